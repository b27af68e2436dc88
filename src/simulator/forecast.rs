//! Which day it is: the planned ones in order, then the one that stays.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::Day;

#[derive(Debug, Default)]
pub(super) struct Forecast {
    days: Mutex<Days>,
}

#[derive(Debug, Default)]
struct Days {
    planned: VecDeque<Day>,
    lasting: Day,
}

impl Forecast {
    /// Makes every following request see `day`, whatever was planned.
    pub(super) fn set(&self, day: Day) {
        *self.days() = Days { planned: VecDeque::new(), lasting: day };
    }

    /// Gives the next requests these days, one each.
    pub(super) fn plan(&self, days: impl IntoIterator<Item = Day>) {
        let planned = days.into_iter().collect();
        self.days().planned = planned;
    }

    /// The day of the next request.
    pub(super) fn upcoming(&self) -> Day {
        self.days().upcoming().clone()
    }

    /// Takes the day of this request.
    pub(super) fn take(&self) -> Day {
        self.days().take()
    }

    /// Takes the upcoming day if it keeps a TLS handshake waiting.
    pub(super) fn take_stall(&self) -> bool {
        let mut days = self.days();
        let stalls = *days.upcoming() == Day::Stall;
        if stalls {
            days.take();
        }
        stalls
    }

    fn days(&self) -> MutexGuard<'_, Days> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Days {
    fn upcoming(&self) -> &Day {
        self.planned.front().unwrap_or(&self.lasting)
    }

    fn take(&mut self) -> Day {
        self.planned.pop_front().unwrap_or_else(|| self.lasting.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planned_days_come_first_and_the_lasting_one_after_them() {
        let forecast = Forecast::default();
        forecast.set(Day::Cut);
        forecast.plan([Day::Huge, Day::Good]);
        assert_eq!(
            [forecast.take(), forecast.take(), forecast.take(), forecast.take()],
            [Day::Huge, Day::Good, Day::Cut, Day::Cut]
        );
    }

    #[test]
    fn setting_the_day_forgets_the_plan() {
        let forecast = Forecast::default();
        forecast.plan([Day::Huge]);
        forecast.set(Day::Cut);
        assert_eq!(forecast.take(), Day::Cut);
    }

    #[test]
    fn only_an_upcoming_stall_is_taken_before_the_request() {
        let forecast = Forecast::default();
        forecast.plan([Day::Stall, Day::Huge]);
        assert_eq!((forecast.take_stall(), forecast.take_stall()), (true, false));
        assert_eq!(forecast.take(), Day::Huge);
    }
}
