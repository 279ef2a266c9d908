//! What is found out on one open connection.

use super::{
    report::{Largest, Report},
    text::View,
};
use crate::{
    connect::failure::of_close,
    exit::{Failure, Status},
};
use longwire::{CloseCode, CloseFrame, Error, ReadyState, Sender, WebSocket};
use rand::Rng as _;
use std::time::Duration;
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};

/// A connection whose messages are read, so that its Pongs come through, and
/// not looked at.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) sender: Sender,
    opened: Instant,
    /// Gives the error that it ended with.
    reading: JoinHandle<Option<Error>>,
    /// How it ended, once that is known.
    ended: Option<String>,
}

/// The first message that is sent.
const SMALLEST: u64 = 1024;

impl Live {
    pub(super) fn new(websocket: WebSocket) -> Live {
        let (sender, mut receiver) = websocket.split();
        let reading = tokio::spawn(async move {
            loop {
                match receiver.next().await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Some(error),
                    None => return None,
                }
            }
        });
        Live {
            sender,
            opened: Instant::now(),
            reading,
            ended: None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.sender.state() == ReadyState::Open
    }

    /// Measures the round trip by `count` Pings, one after the other.
    pub(super) async fn round_trips(
        &mut self,
        count: u32,
        patience: Duration,
        report: &mut Report,
    ) -> Result<(), Failure> {
        for _ in 0..count {
            match timeout(patience, self.sender.ping()).await {
                Ok(Ok(time)) => report.round_trips.push(time),
                Ok(Err(_)) => return Err(self.lost().await),
                Err(_) => {
                    let message = format!(
                        "the round trip failed: a Ping was not answered within {} s\n  \
                         hint: whoever speaks WebSocket has to answer it: something on the way \
                         holds back what is small, or the server hangs; --timeout SECONDS waits longer",
                        patience.as_secs_f64()
                    );
                    return Err(Failure::new(Status::Closed, message));
                }
            }
            report.round_trips.sort_unstable();
        }
        Ok(())
    }

    /// Sends messages, each twice as long as the one before, up to `max` bytes.
    /// One has passed when the Ping after it is answered: no echo is needed.
    pub(super) async fn largest_message(
        &mut self,
        max: u64,
        patience: Duration,
        view: &mut View,
    ) -> Largest {
        let mut passed = 0;
        let mut size = SMALLEST.min(max);
        loop {
            view.sending(size);
            let arrived = async {
                self.sender.send(letters(size)).await?;
                self.sender.ping().await
            };
            let why = match timeout(patience, arrived).await {
                Ok(Ok(_)) => None,
                Ok(Err(_)) => Some(self.how_it_ended().await),
                Err(_) => Some(format!(
                    "the Ping after it was not answered within {} s",
                    patience.as_secs_f64()
                )),
            };
            if let Some(why) = why {
                // A connection on which something hangs is of no more use.
                self.give_up();
                let failed = Some((size, why));
                return Largest { passed, failed };
            }
            passed = size;
            if size == max {
                return Largest {
                    passed,
                    failed: None,
                };
            }
            size = (size * 2).min(max);
        }
    }

    /// Waits until the connection has ended; then how. Can be dropped and called
    /// again.
    pub(super) async fn lost(&mut self) -> Failure {
        let after = self.opened.elapsed().as_secs_f64();
        let how = self.how_it_ended().await;
        Failure::new(
            Status::Closed,
            format_args!("the connection was lost {after:.1} s after it was opened: {how}"),
        )
    }

    async fn how_it_ended(&mut self) -> String {
        if let Some(how) = &self.ended {
            return how.clone();
        }
        let error = (&mut self.reading).await.ok().flatten();
        let how = match self.sender.close_info() {
            None => "it was given up".to_owned(),
            Some(info) => match of_close(&info, error.as_ref()) {
                Ok(how) => how,
                Err(failure) => failure.message,
            },
        };
        self.ended.insert(how).clone()
    }

    fn give_up(&self) {
        if let Ok(frame) = CloseFrame::new(CloseCode::GOING_AWAY, "") {
            self.sender.closer().close(frame);
        }
    }

    pub(super) async fn close(self, patience: Duration) {
        let closing = self.sender.close(CloseCode::NORMAL, "");
        // A server that does not answer has been looked at all the same.
        let _ = timeout(patience.min(Duration::from_secs(2)), closing).await;
        self.reading.abort();
    }
}

/// A text that compression does not make much shorter: it repeats itself, but
/// further away than DEFLATE looks (RFC 1951 section 2).
fn letters(length: u64) -> String {
    const PERIOD: usize = 64 * 1024;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut random = rand::rng();
    let letter = |_| char::from(random.random_range(b'a'..=b'z'));
    let once: String = (0..length.min(PERIOD)).map(letter).collect();
    let mut text = once.repeat(length.div_ceil(PERIOD));
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_length() {
        for length in [1, 1024, 65_536, 65_537, 200_000] {
            assert_eq!(letters(length).len() as u64, length);
        }
    }
}
