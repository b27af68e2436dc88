//! How long requests took, by their routes.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use prometheus_client::metrics::family::Family;

use super::{
    counters::{CLASSES, class_index},
    durations::Durations,
};

/// The durations of requests by the name of their route and the class of their answer.
///
/// A series is made at its first request: most routes never answer with most classes, and a histogram has many lines.
pub(super) type RequestDurations = Family<[(&'static str, String); 2], Durations>;

/// The durations of the requests of one configuration, whose series are found without a lock and without their labels.
pub(in crate::gateway) struct RouteMetrics {
    family: RequestDurations,
    /// By the place of the route in the list of routes.
    routes: Vec<Route>,
    /// Whether another configuration has taken the place of this one, so that no series is made any more.
    is_retired: AtomicBool,
}

struct Route {
    name: Box<str>,
    by_class: [OnceLock<Durations>; CLASSES.len()],
}

impl RouteMetrics {
    pub(super) fn new(family: &RequestDurations, names: &[Box<str>]) -> Self {
        let routes = names.iter().map(|name| Route { name: name.clone(), by_class: Default::default() });
        Self { family: family.clone(), routes: routes.collect(), is_retired: AtomicBool::new(false) }
    }

    /// The durations of requests on the route at this place with answers of this status; 0 stands for no answer. There are none if
    /// the configuration is retired and has had no such request.
    pub(in crate::gateway) fn of(&self, route: usize, status: u16) -> Option<&Durations> {
        let (route, class) = (self.routes.get(route)?, class_index(status));
        match route.by_class[class].get() {
            None if self.is_retired.load(Ordering::Relaxed) => None,
            None => Some(
                route.by_class[class]
                    .get_or_init(|| self.family.get_or_create_owned(&labels(&route.name, CLASSES[class]))),
            ),
            durations => durations,
        }
    }

    /// Drops the series of the routes that the next configuration does not have.
    pub(in crate::gateway) fn retire(&self, successor: &Self) {
        self.is_retired.store(true, Ordering::Relaxed);
        let is_gone = |route: &&Route| !successor.routes.iter().any(|kept| kept.name == route.name);
        for route in self.routes.iter().filter(is_gone) {
            CLASSES.iter().for_each(|class| _ = self.family.remove(&labels(&route.name, class)));
        }
    }
}

fn labels(name: &str, class: &str) -> [(&'static str, String); 2] {
    [("rule", name.to_owned()), ("class", class.to_owned())]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn names(names: &[&str]) -> Vec<Box<str>> {
        names.iter().map(|name| (*name).into()).collect()
    }

    #[test]
    fn a_rule_that_is_gone_takes_its_series_along_and_requests_under_way_bring_none_back() {
        let family = RequestDurations::default();
        let first = RouteMetrics::new(&family, &names(&["/a", "/b"]));
        let observe = |of: &RouteMetrics, route| of.of(route, 200).map(|known| known.observe(Duration::ZERO));
        assert!(observe(&first, 0).is_some() && observe(&first, 1).is_some());
        let second = RouteMetrics::new(&family, &names(&["/b"]));

        first.retire(&second);

        assert!(family.get(&labels("/a", "2xx")).is_none());
        assert!(family.get(&labels("/b", "2xx")).is_some(), "it goes on");
        assert!(first.of(0, 404).is_none(), "a late request makes no series");
        observe(&first, 0);
        assert!(family.get(&labels("/a", "2xx")).is_none());
        assert!(second.of(0, 404).is_some());
    }

    #[test]
    fn rules_of_one_name_share_their_series() {
        let family = RequestDurations::default();
        let routes = RouteMetrics::new(&family, &names(&["/a", "/a"]));
        let [one, other] = [0, 1].map(|route| routes.of(route, 0).unwrap());
        assert!(one.are(other));
        assert!(routes.of(2, 200).is_none());
    }
}
