//! What the access log tells of a request's path.

use std::sync::Arc;

use http::request::Parts;

use crate::{
    gate::CallbackPath,
    gateway::{
        config::{Config, PathMode},
        route_names::{RouteId, RouteNames},
    },
};

/// Decides what a line tells of a path.
pub(super) struct PathNames {
    mode: PathMode,
    callback: CallbackPath,
    routes: Arc<RouteNames>,
}

/// What a line tells of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LoggedPath {
    /// Nothing.
    Hidden,
    /// The name of the route.
    Route(RouteId),
    /// The path as it came.
    Full(Box<[u8]>),
}

impl PathNames {
    pub(super) fn new(config: &Config, routes: &Arc<RouteNames>) -> Self {
        let mode = config.log.access.as_ref().map_or(PathMode::None, |access| access.path);
        Self { mode, callback: config.callback.path.clone(), routes: Arc::clone(routes) }
    }

    /// Chooses what to tell. The raw path has no query.
    ///
    /// # Security
    ///
    /// The callback path is a secret: no path is told that could be read as it, or that has its random part.
    pub(super) fn choose(&self, head: &Parts, raw: &[u8]) -> LoggedPath {
        let route = match self.mode {
            PathMode::None => return LoggedPath::Hidden,
            PathMode::Rule => self.routes.of(head),
            PathMode::Full => match self.routes.special(head) {
                Some(route) => route,
                None if self.callback.is_told_by(raw) => RouteId::CALLBACK,
                None => return LoggedPath::Full(raw.into()),
            },
        };
        if route == RouteId::NONE { LoggedPath::Hidden } else { LoggedPath::Route(route) }
    }

    /// The name of a route.
    pub(super) fn name(&self, route: RouteId) -> &str {
        self.routes.name(route)
    }
}
