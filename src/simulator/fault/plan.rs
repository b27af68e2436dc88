//! The fault of each request: the planned ones in order, then the one that was set.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::Fault;

#[derive(Debug, Default)]
pub(in crate::simulator) struct FaultPlan {
    faults: Mutex<Faults>,
}

#[derive(Debug, Default)]
struct Faults {
    planned: VecDeque<Fault>,
    lasting: Fault,
}

impl FaultPlan {
    /// Makes every following request see `fault`, whatever was planned.
    pub(in crate::simulator) fn set(&self, fault: Fault) {
        *self.faults() = Faults { planned: VecDeque::new(), lasting: fault };
    }

    /// Gives the next requests these faults, one each.
    pub(in crate::simulator) fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        let planned = faults.into_iter().collect();
        self.faults().planned = planned;
    }

    /// The fault of the next request.
    pub(in crate::simulator) fn upcoming(&self) -> Fault {
        self.faults().upcoming().clone()
    }

    /// Takes the fault of this request.
    pub(in crate::simulator) fn take(&self) -> Fault {
        self.faults().take()
    }

    /// Takes the upcoming fault if it keeps a TLS handshake waiting.
    pub(in crate::simulator) fn take_stall(&self) -> bool {
        let mut faults = self.faults();
        let stalls = *faults.upcoming() == Fault::Stall;
        if stalls {
            faults.take();
        }
        stalls
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Faults {
    fn upcoming(&self) -> &Fault {
        self.planned.front().unwrap_or(&self.lasting)
    }

    fn take(&mut self) -> Fault {
        self.planned.pop_front().unwrap_or_else(|| self.lasting.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planned_faults_come_first_and_the_set_one_after_them() {
        let plan = FaultPlan::default();
        plan.set(Fault::Cut);
        plan.plan([Fault::Huge, Fault::None]);
        assert_eq!(
            [plan.take(), plan.take(), plan.take(), plan.take()],
            [Fault::Huge, Fault::None, Fault::Cut, Fault::Cut]
        );
    }

    #[test]
    fn setting_a_fault_forgets_the_plan() {
        let plan = FaultPlan::default();
        plan.plan([Fault::Huge]);
        plan.set(Fault::Cut);
        assert_eq!(plan.take(), Fault::Cut);
    }

    #[test]
    fn only_an_upcoming_stall_is_taken_before_the_request() {
        let plan = FaultPlan::default();
        plan.plan([Fault::Stall, Fault::Huge]);
        assert_eq!((plan.take_stall(), plan.take_stall()), (true, false));
        assert_eq!(plan.take(), Fault::Huge);
    }
}
