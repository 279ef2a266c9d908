//! One thread writes all that is shown. So whoever reads it may stop reading,
//! and the connection lives on: Pings are answered all the same.

use super::prompt::Canvas;
use bytes::Bytes;
use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::Mutex,
    thread::{self, JoinHandle},
};
use tokio::sync::mpsc;

/// How many items wait at most.
const QUEUE: usize = 64;
/// How much is written to the terminal between two paints of the prompt.
const BATCH: usize = 64 * 1024;

/// Something to show.
#[derive(Debug)]
pub(super) enum Item {
    /// For standard output.
    Data(Bytes),
    /// For standard error: whole lines.
    Note(String),
    /// A prompt stands below what is shown from now on.
    BeginPrompt(Canvas),
    /// The prompt is not needed any more.
    EndPrompt,
    /// Nothing more comes.
    End,
}

/// Nobody takes what is written any more.
#[derive(Debug)]
pub(super) struct Gone;

/// Where to put what is to be shown.
#[derive(Debug)]
pub(super) struct Output {
    queue: mpsc::Sender<Item>,
    thread: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

/// Room for one item.
pub(super) struct Slot<'o>(mpsc::Permit<'o, Item>);

impl Slot<'_> {
    pub(super) fn put(self, item: Item) {
        self.0.send(item);
    }
}

impl Output {
    /// Starts the thread.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start() -> io::Result<Output> {
        let (queue, items) = mpsc::channel(QUEUE);
        let writer = Writer {
            canvas: None,
            unpainted: String::new(),
            data_on_canvas: io::stdout().is_terminal(),
            notes_on_canvas: io::stderr().is_terminal(),
        };
        let thread = thread::Builder::new()
            .name("output".into())
            .spawn(move || writer.run(items))?;
        Ok(Output {
            queue,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(super) async fn put(&self, item: Item) -> Result<(), Gone> {
        self.queue.send(item).await.map_err(|_| Gone)
    }

    /// Waits until nobody takes what is written any more.
    pub(super) async fn gone(&self) {
        self.queue.closed().await;
    }

    /// Waits for room, so that what is put there cannot be lost by giving up.
    pub(super) async fn reserve(&self) -> Result<Slot<'_>, Gone> {
        self.queue.reserve().await.map(Slot).map_err(|_| Gone)
    }

    /// Writes what waits, and ends the thread.
    ///
    /// # Errors
    /// What went wrong with standard output. That its reader has gone is no
    /// error: `longwire connect ... | head` is not one.
    pub(super) async fn finish(&self) -> io::Result<()> {
        // It may have ended already.
        let _ = self.put(Item::End).await;
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        let result = match thread {
            None => Ok(()),
            Some(thread) => thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the thread that writes panicked"))),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}

/// What the thread owns.
struct Writer {
    canvas: Option<Canvas>,
    /// What goes above the prompt, painted together since each paint draws the
    /// prompt anew.
    unpainted: String,
    data_on_canvas: bool,
    notes_on_canvas: bool,
}

impl Writer {
    fn run(mut self, mut items: mpsc::Receiver<Item>) -> io::Result<()> {
        // Not locked: on a terminal without line editing the prompt is written
        // there by another thread.
        let mut stdout = io::BufWriter::new(io::stdout());
        while let Some(item) = items.blocking_recv() {
            let mut next = Some(item);
            while let Some(item) = next {
                if matches!(item, Item::End) {
                    self.paint();
                    return stdout.flush();
                }
                self.write(item, &mut stdout)?;
                next = match self.unpainted.len() {
                    0..BATCH => items.try_recv().ok(),
                    _ => None,
                };
            }
            self.paint();
            stdout.flush()?;
        }
        Ok(())
    }

    fn write(&mut self, item: Item, stdout: &mut impl io::Write) -> io::Result<()> {
        match item {
            Item::Data(bytes) if self.canvas.is_some() && self.data_on_canvas => {
                self.unpainted.push_str(&String::from_utf8_lossy(&bytes));
            }
            Item::Data(bytes) => stdout.write_all(&bytes)?,
            Item::Note(text) if self.canvas.is_some() && self.notes_on_canvas => {
                self.unpainted.push_str(&text);
            }
            Item::Note(text) => {
                // In their order, should both be the same terminal.
                stdout.flush()?;
                // There is nowhere left to complain.
                let _ = io::stderr().write_all(text.as_bytes());
            }
            Item::BeginPrompt(mut canvas) => {
                stdout.flush()?;
                canvas.begin();
                self.canvas = Some(canvas);
            }
            Item::EndPrompt => {
                self.paint();
                if let Some(canvas) = self.canvas.take() {
                    canvas.end();
                }
            }
            Item::End => {}
        }
        Ok(())
    }

    fn paint(&mut self) {
        if let Some(canvas) = &mut self.canvas
            && !self.unpainted.is_empty()
        {
            canvas.paint(std::mem::take(&mut self.unpainted));
        }
    }
}
