//! The prompt: line editing and history, by a thread of its own.

use super::{commands, state, style::Palette};
use rustyline::{
    ColorMode, CompletionType, Config, Context, Editor, ExternalPrinter, Helper,
    completion::Completer, config::Behavior, error::ReadlineError, highlight::Highlighter,
    hint::Hinter, history::FileHistory, validate::Validator,
};
use std::{
    fmt, fs, io,
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    sync::{Arc, Mutex, mpsc as std_mpsc},
    thread,
    time::Duration,
};
use tokio::sync::mpsc;

/// How many lines the history keeps.
const HISTORY: usize = 1_000;

/// What a person does at the prompt.
pub(super) struct Prompt {
    /// The lines, up to Ctrl-D.
    pub(super) lines: mpsc::UnboundedReceiver<String>,
    /// Each Ctrl-C.
    pub(super) interrupts: mpsc::UnboundedReceiver<()>,
}

impl fmt::Debug for Canvas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canvas").finish_non_exhaustive()
    }
}

type Printer = Box<dyn ExternalPrinter + Send>;

/// Where to write while the prompt stands on the last line.
pub(super) struct Canvas {
    begin: Option<std_mpsc::Sender<()>>,
    printer: Option<Printer>,
    halt: Halt,
    terminal: Terminal,
}

impl Prompt {
    /// A prompt, which appears when its canvas is [begun](Canvas::begin).
    ///
    /// # Errors
    /// When there is no terminal to be had.
    pub(super) fn new(keep_history: bool) -> io::Result<(Prompt, Canvas)> {
        let terminal = Terminal::save();
        let behavior = if io::stdout().is_terminal() {
            Behavior::Stdio
        } else {
            // The prompt must not go where the messages go.
            Behavior::PreferTerm
        };
        let palette = match Palette::of(&io::stdin()) {
            palette if palette.has_colours() => (palette, ColorMode::Enabled),
            palette => (palette, ColorMode::Disabled),
        };
        let config = Config::builder()
            .max_history_size(HISTORY)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(io::Error::other)?
            .completion_type(CompletionType::List)
            .color_mode(palette.1)
            .behavior(behavior)
            .auto_add_history(true)
            .build();
        let mut editor: Editor<Commands, FileHistory> =
            Editor::with_config(config).map_err(io::Error::other)?;
        editor.set_helper(Some(Commands));
        // A terminal without line editing has none; there the lines just mix.
        let printer = editor.create_external_printer().ok();
        let history = History::load(keep_history, &mut editor);
        let (lines, line_receiver) = mpsc::unbounded_channel();
        let (interrupts, interrupt_receiver) = mpsc::unbounded_channel();
        let halt = Halt(Arc::new(Mutex::new(None)));
        let (begin, begun) = std_mpsc::channel();
        let reader = Reader {
            begun,
            editor,
            history,
            sign: Sign {
                plain: "> ".to_owned(),
                coloured: palette.0.ours("> "),
                halt: halt.clone(),
            },
            lines: Some(lines),
            interrupts,
        };
        thread::Builder::new()
            .name("prompt".into())
            .spawn(move || reader.run())?;
        let prompt = Prompt {
            lines: line_receiver,
            interrupts: interrupt_receiver,
        };
        let canvas = Canvas {
            begin: Some(begin),
            printer: printer.map(|printer| Box::new(printer) as Printer),
            halt,
            terminal,
        };
        Ok((prompt, canvas))
    }
}

/// What the thread owns.
struct Reader {
    begun: std_mpsc::Receiver<()>,
    editor: Editor<Commands, FileHistory>,
    history: Option<History>,
    sign: Sign,
    /// `None` after Ctrl-D.
    lines: Option<mpsc::UnboundedSender<String>>,
    interrupts: mpsc::UnboundedSender<()>,
}

impl Reader {
    /// Reads until the process ends: even when there is nothing more to say,
    /// what comes is painted, and Ctrl-C heard, only while a line is read.
    fn run(mut self) {
        if self.begun.recv().is_err() {
            return;
        }
        loop {
            match self.editor.readline(&self.sign) {
                Ok(line) => {
                    if let Some(history) = &self.history {
                        history.append(&mut self.editor);
                    }
                    if let Some(lines) = &self.lines {
                        // Refused when the connection is closing.
                        let _ = lines.send(line);
                    }
                }
                Err(ReadlineError::Interrupted) => {
                    self.stop();
                    if self.interrupts.send(()).is_err() {
                        return;
                    }
                }
                // The window's size changed; nothing was typed.
                Err(ReadlineError::Signal(_)) => {}
                Err(ReadlineError::Eof) if self.lines.is_some() => self.stop(),
                Err(ReadlineError::Eof) if io::stdin().is_terminal() => {}
                Err(error) => {
                    tracing::debug!(%error, "the prompt ended");
                    return;
                }
            }
        }
    }

    fn stop(&mut self) {
        self.lines = None;
        self.sign.plain.clear();
        self.sign.coloured.clear();
    }
}

impl Canvas {
    /// Lets the prompt appear: all that stands above it is written.
    pub(super) fn begin(&mut self) {
        if let Some(begin) = self.begin.take() {
            // The thread waits for it.
            let _ = begin.send(());
        }
    }

    /// Writes whole lines above the prompt.
    pub(super) fn paint(&mut self, text: String) {
        match &mut self.printer {
            None => self.terminal.write(&text),
            // It fails when the terminal has gone.
            Some(printer) => drop(printer.print(text)),
        }
    }

    /// Takes the prompt away, and gives the terminal back as it was.
    pub(super) fn end(mut self) {
        if self.begin.is_none()
            && let Some(printer) = self.printer.take()
        {
            self.halt.request(printer);
        }
        self.terminal.restore();
    }
}

/// Stops the thread that reads lines, which waits for a key and cannot be told
/// to stop: it halts when it is about to draw the prompt anew, after all that
/// stands above the prompt has been painted.
#[derive(Clone)]
struct Halt(Arc<Mutex<Option<std_mpsc::Sender<()>>>>);

impl Halt {
    /// Halts for good, if that is requested.
    fn check(&self) {
        let requested = self.0.lock().ok().and_then(|mut request| request.take());
        if let Some(halted) = requested {
            // Whoever waited may have given up.
            let _ = halted.send(());
            loop {
                thread::park();
            }
        }
    }

    /// Waits until the reader has halted.
    fn request(&self, mut printer: Printer) {
        // A terminal that takes nothing shall not keep the process.
        const PATIENCE: Duration = Duration::from_millis(500);
        // Up one line, and down again.
        const NOTHING: &str = "\x1b[A\n";
        let (halted, halts) = std_mpsc::channel();
        let request = Arc::clone(&self.0);
        // Printing waits for the reader, which may halt before it is done.
        let nudge = move || {
            // When this is handed over, all before it has been painted ...
            let _ = printer.print(NOTHING.to_owned());
            if let Ok(mut request) = request.lock() {
                *request = Some(halted);
            }
            // ... and this makes the reader draw once more.
            let _ = printer.print(NOTHING.to_owned());
        };
        if thread::Builder::new().spawn(nudge).is_ok() {
            let _ = halts.recv_timeout(PATIENCE);
        }
    }
}

/// The prompt's text. It is asked for each time that it is drawn.
struct Sign {
    plain: String,
    coloured: String,
    halt: Halt,
}

impl rustyline::Prompt for Sign {
    fn raw(&self) -> &str {
        self.halt.check();
        &self.plain
    }

    fn styled(&self) -> &str {
        self.halt.check();
        &self.coloured
    }
}

/// The terminal as it was found. The thread that reads lines cannot be told to
/// stop, so what it has changed is changed back here.
struct Terminal {
    #[cfg(unix)]
    modes: Option<rustix::termios::Termios>,
}

#[cfg(unix)]
impl Terminal {
    fn save() -> Terminal {
        Terminal {
            modes: rustix::termios::tcgetattr(rustix::stdio::stdin()).ok(),
        }
    }

    fn restore(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // Back to the line's start and clear it; show what is drawn at once;
        // bracketed paste off.
        const RESET: &str = "\r\x1b[K\x1b[?2026l\x1b[?2004l";
        if let Some(modes) = self.modes.take() {
            self.write(RESET);
            // It fails when the terminal has gone.
            let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &modes);
        }
    }
}

/// Consoles are set anew by the shell that shows its prompt next.
#[cfg(not(unix))]
impl Terminal {
    fn save() -> Terminal {
        Terminal {}
    }

    fn restore(&mut self) {}
}

impl Terminal {
    /// Writes past the line editor.
    fn write(&self, text: &str) {
        // It fails when the terminal has gone.
        let _ = if io::stdout().is_terminal() {
            io::stdout()
                .write_all(text.as_bytes())
                .and_then(|()| io::stdout().flush())
        } else {
            io::stderr().write_all(text.as_bytes())
        };
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.restore();
    }
}

/// The file that keeps lines for the next time.
struct History {
    path: PathBuf,
}

impl History {
    /// That it cannot be read or written is no reason not to talk.
    fn load(wanted: bool, editor: &mut Editor<Commands, FileHistory>) -> Option<History> {
        let path = wanted.then(|| state::file("history")).flatten()?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).ok()?;
        }
        if let Err(error) = editor.load_history(&path) {
            tracing::debug!(%error, path = %path.display(), "no history");
        }
        Some(History { path })
    }

    fn append(&self, editor: &mut Editor<Commands, FileHistory>) {
        if let Err(error) = editor.append_history(&self.path) {
            tracing::debug!(%error, path = %self.path.display(), "the history is not kept");
        }
    }
}

/// Completes commands.
struct Commands;

impl Helper for Commands {}
impl Highlighter for Commands {}
impl Validator for Commands {}
impl Hinter for Commands {
    type Hint = String;
}

impl Completer for Commands {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = line.get(..pos).unwrap_or_default();
        let found = commands::completions(typed);
        Ok((0, found.map(|name| format!("{name} ")).collect()))
    }
}
