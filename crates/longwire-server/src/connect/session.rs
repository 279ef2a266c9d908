//! The open connection: it is sent to, received from and left at the same
//! time, so that a peer that does one thing only after another is no trouble.

use super::{
    failure,
    heartbeat::{self, Pacer, Place},
    input::{self, Conversation, End},
    inspect::Seen,
    interrupts::Interrupts,
    output::Gone,
    screen::Screen,
    values::Patience,
};
use crate::exit::{Failure, Status};
use bytes::Bytes;
use longwire::{CloseCause, CloseFrame, Closer, MessageKind, Receiver, Sender, WebSocket};
use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::{Future, pending},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::stdin,
    sync::{Notify, mpsc::UnboundedReceiver},
    task::yield_now,
    time::{Instant, sleep, sleep_until, timeout},
};

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manners {
    /// Send binary messages.
    pub(crate) binary: bool,
    /// What to wait for when all is sent.
    pub(crate) wait: Patience,
    /// Leave after as many messages.
    pub(crate) count: Option<u64>,
}

/// Where what is sent comes from.
pub(super) enum Source {
    /// The prompt's lines.
    Prompt(UnboundedReceiver<String>),
    /// Standard input.
    Pipe,
}

/// What passed, for `--inspect`.
pub(super) type Passing = Option<UnboundedReceiver<Seen>>;

/// What the parts of a session tell each other.
struct Progress {
    /// When something was last received, or the session began.
    heard: Cell<Instant>,
    /// The last binary message.
    binary: RefCell<Option<Bytes>>,
    /// As many messages have come as are wanted.
    enough: Notify,
    /// Something was read that is not sent.
    unsent: Cell<bool>,
    /// What was wrong with the input.
    failure: RefCell<Option<Failure>>,
}

/// Talks until the connection ends.
///
/// # Errors
/// When it ends badly.
pub(super) async fn talk(
    websocket: WebSocket,
    (pacer, place): (Option<Pacer>, &Place),
    source: Source,
    mut interrupts: Interrupts,
    screen: &Arc<Screen>,
    passing: &mut Passing,
    manners: Manners,
) -> Result<(), Failure> {
    let closer = websocket.closer();
    let (sender, mut receiver) = websocket.split();
    let progress = Progress {
        heard: Cell::new(Instant::now()),
        binary: RefCell::new(None),
        enough: Notify::new(),
        unsent: Cell::new(false),
        failure: RefCell::new(None),
    };
    let input = send(source, &sender, screen, &progress, manners.binary);
    let unwanted = async {
        tokio::select! {
            () = screen.output().gone() => {}
            () = progress.enough.notified() => {}
        }
    };
    let ended = {
        let talking = pin!(async {
            tokio::select! {
                biased;
                never = show(passing, screen) => match never {},
                ended = receive(&mut receiver, screen, &progress, manners.count) => Some(ended),
                () = leave(input, unwanted, &mut interrupts, &closer, &progress, manners.wait) => None,
            }
        });
        heartbeat::beating(pacer, place, &sender, screen, talking).await
    };
    let Some(lost) = ended else {
        screen.end_prompt().await;
        let message = "left before the server closed the connection too";
        return Err(Failure::new(Status::Closed, message));
    };
    take_leave(&sender, &closer).await;
    show_rest(passing, screen).await;
    screen.end_prompt().await;
    conclude(&sender, lost.as_ref(), screen, progress).await
}

/// Shows what passes, and never ends.
pub(super) async fn show(passing: &mut Passing, screen: &Screen) -> Infallible {
    if let (Some(passing), Some(show)) = (passing, &screen.show) {
        // First the room, and then what to put there: giving up loses nothing.
        while let Ok(slot) = screen.output().reserve().await {
            match passing.recv().await {
                Some(seen) => slot.put(show.item(&seen)),
                None => break,
            }
        }
    }
    pending().await
}

/// Shows what has passed and was not shown yet.
pub(super) async fn show_rest(passing: &mut Passing, screen: &Screen) {
    if let (Some(passing), Some(show)) = (passing, &screen.show) {
        while let Ok(seen) = passing.try_recv() {
            let _ = screen.output().put(show.item(&seen)).await;
        }
    }
}

/// Receives until the connection ends. Gives the error that it ended with.
async fn receive(
    receiver: &mut Receiver,
    screen: &Screen,
    progress: &Progress,
    count: Option<u64>,
) -> Option<longwire::Error> {
    let mut received = 0;
    // What comes while nobody wants it any more is thrown away.
    let mut wanted = true;
    loop {
        let shown = if screen.is_raw() && wanted {
            pass_on(receiver, screen, progress).await?
        } else {
            match receiver.next().await? {
                Err(error) => return Some(error),
                Ok(_) if !wanted => Ok(()),
                Ok(message) => {
                    progress.heard.set(Instant::now());
                    if screen.show.is_some() {
                        // First its frames.
                        yield_now().await;
                    }
                    let shown = screen.message(&message).await;
                    if message.kind() == MessageKind::Binary {
                        *progress.binary.borrow_mut() = Some(message.into_bytes());
                    }
                    shown.map_err(|Gone| None)
                }
            }
        };
        match shown {
            Ok(()) => received += 1,
            Err(Some(error)) => return Some(error),
            Err(None) => wanted = false,
        }
        if wanted && Some(received) == count {
            wanted = false;
            progress.enough.notify_one();
        }
    }
}

/// Writes a message as it comes, in constant memory. The error within is the
/// connection's, or none if nobody takes what is written.
async fn pass_on(
    receiver: &mut Receiver,
    screen: &Screen,
    progress: &Progress,
) -> Option<Result<(), Option<longwire::Error>>> {
    let mut message = match receiver.next_reader().await? {
        Ok(message) => message,
        Err(error) => return Some(Err(Some(error))),
    };
    while let Some(chunk) = message.chunk().await {
        progress.heard.set(Instant::now());
        match chunk {
            Err(error) => return Some(Err(Some(error))),
            Ok(bytes) => {
                if screen.raw(bytes).await.is_err() {
                    return Some(Err(None));
                }
            }
        }
    }
    Some(Ok(()))
}

/// Sends what there is to send.
async fn send(
    source: Source,
    sender: &Sender,
    screen: &Arc<Screen>,
    progress: &Progress,
    binary: bool,
) -> End {
    let sent = match source {
        Source::Prompt(mut lines) => {
            let conversation = Conversation {
                sender,
                screen,
                last_binary: &progress.binary,
                unsent: &progress.unsent,
                binary,
            };
            return conversation.follow(&mut lines).await;
        }
        Source::Pipe if binary => input::send_bytes(stdin(), sender, &progress.unsent).await,
        Source::Pipe => input::send_lines(stdin(), sender, &progress.unsent).await,
    };
    match sent {
        Ok(()) => End::Eof,
        Err(end) => end,
    }
}

/// Waits for a reason to leave, and begins to. Ends when there is no more
/// patience with the server's answer.
async fn leave(
    input: impl Future<Output = End>,
    unwanted: impl Future<Output = ()>,
    interrupts: &mut Interrupts,
    closer: &Closer,
    progress: &Progress,
    wait: Patience,
) {
    let mut input = Box::pin(input);
    let mut unwanted = pin!(unwanted);
    let end = tokio::select! {
        biased;
        () = interrupts.next() => None,
        () = &mut unwanted => None,
        end = &mut input => Some(end),
    };
    match end {
        Some(End::Unsent) => progress.unsent.set(true),
        Some(End::Close(frame)) => closer.close(frame),
        Some(End::Failed(failure)) => {
            *progress.failure.borrow_mut() = Some(failure);
            close(closer, 1000);
        }
        Some(End::Eof) => {
            tokio::select! {
                () = interrupts.next() => {}
                () = &mut unwanted => {}
                () = silence(wait, &progress.heard) => {}
            }
            close(closer, 1000);
        }
        None => {
            // A message that is half sent ends here, and the library says so to
            // the server, by 1011.
            drop(input);
            progress.unsent.set(false);
            close(closer, 1000);
        }
    }
    interrupts.next().await;
}

/// Waits until nothing has come for some time.
async fn silence(wait: Patience, heard: &Cell<Instant>) {
    let Patience::Silence(span) = wait else {
        return pending().await;
    };
    let mut since = Instant::now();
    loop {
        sleep_until(since + span).await;
        if heard.get() <= since {
            return;
        }
        since = heard.get();
    }
}

fn close(closer: &Closer, code: u16) {
    if let Ok(frame) = CloseFrame::new(code, "") {
        closer.close(frame);
    }
}

/// Lets the last bytes out: the process would take them along.
async fn take_leave(sender: &Sender, closer: &Closer) {
    const PATIENCE: Duration = Duration::from_secs(1);
    // What fails here has failed before.
    let _ = timeout(PATIENCE, sender.flush()).await;
    let failed = |info: longwire::CloseInfo| matches!(info.cause, CloseCause::Failed(_));
    if sender.close_info().is_some_and(failed) {
        // The peer still sends what is too much or wrong. Leaving with that
        // unread would reset TCP, and a reset can destroy the Close frame that
        // says what was wrong.
        let closed = async {
            while !closer.is_closed() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = timeout(PATIENCE, closed).await;
    }
}

/// Says how the connection ended.
async fn conclude(
    sender: &Sender,
    lost: Option<&longwire::Error>,
    screen: &Screen,
    progress: Progress,
) -> Result<(), Failure> {
    let Some(info) = sender.close_info() else {
        let message =
            lost.map_or_else(|| "the connection was lost".to_owned(), ToString::to_string);
        return Err(Failure::new(Status::Closed, message));
    };
    screen.closed(&info).await;
    let note = failure::of_close(&info, lost)?;
    if let Some(failure) = progress.failure.into_inner() {
        return Err(failure);
    }
    if progress.unsent.get() {
        let message = format!("{note}, before all of the input was sent");
        return Err(Failure::new(Status::Closed, message));
    }
    screen.note(&note).await;
    Ok(())
}
