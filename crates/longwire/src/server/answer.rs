use super::heartbeat;
use crate::websocket::Agreed;
use longwire_proto::{
    Config,
    extension::{MessageExtension, PermessageDeflate},
    handshake::{Acceptance, MisuseError, Request},
};

/// The yes to a request as the program puts it together, call by call. What
/// cannot stand in an answer comes up when the answer is made, so that the
/// client gets one in any case.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    acceptance: Acceptance,
    subprotocol: Option<String>,
    misuse: Option<MisuseError>,
}

impl Answer {
    pub(crate) fn subprotocol(&mut self, name: &str) {
        self.subprotocol = Some(name.to_owned());
    }

    pub(crate) fn select_subprotocol(&mut self, request: &Request, supports: &[impl AsRef<str>]) {
        if let Some(chosen) = request.select_subprotocol(supports) {
            self.subprotocol(chosen.as_str());
        }
    }

    pub(crate) fn select_first_offered(&mut self, request: &Request) {
        if let Some(first) = request.subprotocols().first() {
            self.subprotocol(first.as_str());
        }
    }

    pub(crate) fn header(&mut self, name: &str, value: &[u8]) {
        match std::mem::take(&mut self.acceptance).header(name, value) {
            Ok(acceptance) => self.acceptance = acceptance,
            Err(misuse) => self.misuse = self.misuse.take().or(Some(misuse)),
        }
    }

    /// What stands in the answer, and what is agreed on by it.
    pub(crate) fn finish(
        self,
        request: &Request,
        config: &Config,
    ) -> Result<(Acceptance, Agreed), MisuseError> {
        let acceptance = match (self.misuse, &self.subprotocol) {
            (Some(misuse), _) => return Err(misuse),
            (None, Some(name)) => self.acceptance.subprotocol(name),
            (None, None) => self.acceptance,
        };
        let (acceptance, extension) = compress(acceptance, request, config);
        let (acceptance, watches) = heartbeat::agree(acceptance, request, config);
        let agreed = Agreed {
            subprotocol: self.subprotocol,
            extension,
            watches,
        };
        Ok((acceptance, agreed))
    }
}

/// Adds permessage-deflate to an answer, if both sides want it.
pub(crate) fn compress(
    acceptance: Acceptance,
    request: &Request,
    config: &Config,
) -> (Acceptance, Option<Box<dyn MessageExtension>>) {
    let accepted = config
        .deflate
        .as_ref()
        .and_then(|config| PermessageDeflate::accept(config, request.extensions()));
    match accepted {
        Some((response, agreed)) => (acceptance.extension(response), Some(Box::new(agreed))),
        None => (acceptance, None),
    }
}
