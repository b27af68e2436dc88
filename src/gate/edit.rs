//! What becomes of headers and trailers: the namespace is stripped, the identity is set, and the observer hears of spoofs.

use http::HeaderMap;

use super::{
    Gate,
    event::{Event, SpoofChannel},
    plugin::{Inspection, Withheld},
};
use crate::headers::{Edits, HeaderTarget, ResponseEdits, Spoofs, Suspects};

impl Gate {
    /// Edits the headers of a request, and tells the observer what had to be stripped.
    pub(crate) fn apply(&self, edits: &Edits, target: &mut impl HeaderTarget) {
        self.apply_surveyed(edits, self.0.names.suspects(target.headers()), target);
    }

    /// Edits the headers of a request that were surveyed. Since then, none may have been added that could be the client's.
    pub(crate) fn apply_surveyed(&self, edits: &Edits, suspects: Suspects, target: &mut impl HeaderTarget) {
        self.0.plugins.iter().for_each(|plugin| plugin.strip_request(Inspection::Done(edits), target));
        self.report(edits.apply(&self.0.names, suspects, target));
    }

    /// Strips the headers of a request that is yet to be inspected, and returns the credentials among them for the inspection.
    pub(crate) fn withhold(&self, target: &mut impl HeaderTarget) -> Withheld {
        let withheld = self.0.plugins.iter().find_map(|plugin| plugin.withhold(target));
        let spoofs = self.strip_namespace(target);
        Withheld { spoofs, ..withheld.unwrap_or_default() }
    }

    /// Strips the headers of a request that is never inspected.
    pub(crate) fn strip_request(&self, target: &mut impl HeaderTarget) {
        self.0.plugins.iter().for_each(|plugin| plugin.strip_request(Inspection::Skipped, target));
        let _ = self.strip_namespace(target);
    }

    /// Strips the namespace, tells the observer of spoofs, and returns them.
    fn strip_namespace(&self, target: &mut impl HeaderTarget) -> Spoofs {
        let suspects = self.0.names.suspects(target.headers());
        let spoofs = self.0.names.strip_request(suspects, target);
        self.report(spoofs);
        spoofs
    }

    /// Strips the trailers of a request.
    pub(crate) fn strip_request_trailers(&self, trailers: &mut HeaderMap) {
        self.report(self.0.names.strip_trailers(trailers));
    }

    /// Strips the headers of a response, then edits them as the request's edits say.
    pub(crate) fn apply_response(&self, edits: Option<&ResponseEdits>, target: &mut impl HeaderTarget) {
        self.strip_response(target);
        if let Some(edits) = edits {
            let added = self.0.plugins.iter().fold(false, |added, plugin| plugin.set_cookies(edits, target) | added);
            edits.apply(&self.0.names, self.takes_tokens(), added, target);
        }
    }

    /// Strips the headers of a response.
    pub(crate) fn strip_response(&self, target: &mut impl HeaderTarget) {
        let stripped = self.0.plugins.iter().fold(false, |stripped, plugin| plugin.strip_response(target) | stripped);
        let spoofs = self.0.names.strip(target);
        self.report_response(Spoofs { header: spoofs.header || stripped, ..spoofs });
    }

    /// Strips the trailers of a response.
    pub(crate) fn strip_response_trailers(&self, trailers: &mut HeaderMap) {
        self.report_response(self.0.names.strip_trailers(trailers));
    }

    fn report(&self, spoofs: Spoofs) {
        if spoofs == Spoofs::default() {
            return;
        }
        SpoofChannel::of(spoofs).for_each(|channel| self.observe(Event::Spoof(channel)));
    }

    fn report_response(&self, spoofs: Spoofs) {
        if spoofs != Spoofs::default() {
            self.observe(Event::Spoof(SpoofChannel::Response));
        }
    }
}

impl SpoofChannel {
    /// The channels of spoofs in a request.
    pub(crate) fn of(spoofs: Spoofs) -> impl Iterator<Item = Self> {
        let channels =
            [(spoofs.header, Self::Header), (spoofs.connection, Self::Connection), (spoofs.trailer, Self::Trailer)];
        channels.into_iter().filter_map(|(is_spoofed, channel)| is_spoofed.then_some(channel))
    }
}
