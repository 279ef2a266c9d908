//! The heartbeat of a connection, where it is learned.

use super::{screen::Screen, state, values::Interval};
use crate::exit::{Failure, Status};
use longwire::{
    Connector, Sender,
    heartbeat::{Beat, Event, FileStore, LearningConfig, Live, Pacemaker},
    proto::handshake::{Response, Url},
};
use std::{convert::Infallible, future::pending, path::PathBuf, time::Duration};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How often to beat.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Interval,
    store: Option<PathBuf>,
}

impl Heartbeat {
    /// # Errors
    /// When there is a store for what is not learned.
    pub(crate) fn new(interval: Interval, store: Option<PathBuf>) -> Result<Heartbeat, Failure> {
        if store.is_some() && interval != Interval::Learned {
            let message = "--heartbeat-store is of use with --heartbeat learned only";
            return Err(Failure::new(Status::Usage, message));
        }
        Ok(Heartbeat { interval, store })
    }

    /// The interval of a connection that learns nothing.
    pub(super) fn fixed(&self) -> Option<Duration> {
        match self.interval {
            Interval::Fixed(interval) => Some(interval),
            Interval::None | Interval::Learned => None,
        }
    }

    /// What sets the beat, if that is learned.
    pub(super) fn pacer(self) -> Option<Pacer> {
        (self.interval == Interval::Learned).then(|| {
            let (tell, told) = unbounded_channel();
            let pacemaker = Pacemaker::new(LearningConfig::default()).on_event(move |event| {
                // Nobody listens any more when the program is about to end.
                let _ = tell.send(Told::of(event));
            });
            let pacemaker = match self.store.or_else(|| state::file("heartbeats")) {
                Some(path) => pacemaker.store(FileStore::new(path)),
                None => pacemaker,
            };
            Pacer { pacemaker, told }
        })
    }
}

/// Sets the beat, and tells.
pub(super) struct Pacer {
    pacemaker: Pacemaker,
    told: UnboundedReceiver<Told>,
}

/// What there is to tell.
pub(super) enum Told {
    Beat {
        beat: Beat,
        settled: bool,
    },
    Forgotten(Duration),
    /// What is wrong with the store.
    StoreFailed(String),
    Other,
}

impl Told {
    fn of(event: &Event<'_>) -> Told {
        match *event {
            Event::Beat { beat, settled } => Told::Beat { beat, settled },
            Event::Forgotten { silence } => Told::Forgotten(silence),
            Event::StoreFailed(error) => Told::StoreFailed(error.to_string()),
            _ => Told::Other,
        }
    }
}

/// The place that is connected to, to connect to it again.
pub(super) struct Place {
    pub(super) connector: Connector,
    pub(super) url: Url,
    pub(super) response: Response,
}

/// Does `work` with a connection, whose beat is set meanwhile if it is learned.
pub(super) async fn beating<T>(
    pacer: Option<Pacer>,
    place: &Place,
    sender: &Sender,
    screen: &Screen,
    work: impl Future<Output = T>,
) -> T {
    let Some(Pacer {
        mut pacemaker,
        mut told,
    }) = pacer
    else {
        return work.await;
    };
    let live = Live::new(sender, &place.connector, &place.url, &place.response);
    let done = tokio::select! {
        biased;
        never = tell(&mut told, screen) => match never {},
        done = pacemaker.keep(live, work) => done,
    };
    while let Ok(told) = told.try_recv() {
        screen.heartbeat(&told).await;
    }
    done
}

async fn tell(told: &mut UnboundedReceiver<Told>, screen: &Screen) -> Infallible {
    while let Some(told) = told.recv().await {
        screen.heartbeat(&told).await;
    }
    pending().await
}

/// A time for people, such as `45 s` or `4 min 45 s`.
pub(super) fn span(time: Duration) -> String {
    let tenths = (time.as_millis() + 50) / 100;
    let (minutes, seconds) = (tenths / 600, tenths % 600);
    let seconds = match (seconds / 10, seconds % 10) {
        (whole, 0) => format!("{whole} s"),
        (whole, tenth) => format!("{whole}.{tenth} s"),
    };
    match (minutes, tenths % 600) {
        (0, _) => seconds,
        (_, 0) => format!("{minutes} min"),
        _ => format!("{minutes} min {seconds}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_for_people() {
        for (millis, expected) in [
            (250, "0.3 s"),
            (15_000, "15 s"),
            (59_960, "1 min"),
            (285_000, "4 min 45 s"),
            (1_710_500, "28 min 30.5 s"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn a_store_needs_something_to_keep() {
        let store = || Some(PathBuf::from("heartbeats"));
        assert!(Heartbeat::new(Interval::Learned, store()).is_ok());
        let failure = Heartbeat::new(Interval::None, store()).unwrap_err();
        assert_eq!(failure.status, Status::Usage);
        assert!(failure.message.contains("--heartbeat learned"));
    }
}
