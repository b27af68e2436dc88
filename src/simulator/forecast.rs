//! The fault of each request: the planned ones in order, then the one that was set.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::Fault;

#[derive(Debug, Default)]
pub(super) struct Forecast {
    faults: Mutex<Faults>,
}

#[derive(Debug, Default)]
struct Faults {
    planned: VecDeque<Fault>,
    lasting: Fault,
}

impl Forecast {
    /// Makes every following request see `fault`, whatever was planned.
    pub(super) fn set(&self, fault: Fault) {
        *self.faults() = Faults { planned: VecDeque::new(), lasting: fault };
    }

    /// Gives the next requests these faults, one each.
    pub(super) fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        let planned = faults.into_iter().collect();
        self.faults().planned = planned;
    }

    /// The fault of the next request.
    pub(super) fn upcoming(&self) -> Fault {
        self.faults().upcoming().clone()
    }

    /// Takes the fault of this request.
    pub(super) fn take(&self) -> Fault {
        self.faults().take()
    }

    /// Takes the upcoming fault if it keeps a TLS handshake waiting.
    pub(super) fn take_stall(&self) -> bool {
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
        let forecast = Forecast::default();
        forecast.set(Fault::Cut);
        forecast.plan([Fault::Huge, Fault::None]);
        assert_eq!(
            [forecast.take(), forecast.take(), forecast.take(), forecast.take()],
            [Fault::Huge, Fault::None, Fault::Cut, Fault::Cut]
        );
    }

    #[test]
    fn setting_a_fault_forgets_the_plan() {
        let forecast = Forecast::default();
        forecast.plan([Fault::Huge]);
        forecast.set(Fault::Cut);
        assert_eq!(forecast.take(), Fault::Cut);
    }

    #[test]
    fn only_an_upcoming_stall_is_taken_before_the_request() {
        let forecast = Forecast::default();
        forecast.plan([Fault::Stall, Fault::Huge]);
        assert_eq!((forecast.take_stall(), forecast.take_stall()), (true, false));
        assert_eq!(forecast.take(), Fault::Huge);
    }
}
