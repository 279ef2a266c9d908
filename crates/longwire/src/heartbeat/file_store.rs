//! What was learned, in a file.
//!
//! ```text
//! longwire heartbeats 1
//! 1763750000 192.168.1.7 wss://example.com:443 285000 300000
//! 1763750512 2001:db8:1:2:: wss://example.com:443 1800000 -
//! ```
//!
//! After the first line each has, of one route: when it was learned (seconds of
//! Unix time), the network, the endpoint, and in milliseconds the longest silence
//! that was proven and the shortest that was refuted, if one was.

use super::{
    Route, Store, StoreError,
    entries::{Entries, Entry},
};
use crate::keeper::lock;
use longwire_proto::heartbeat::Known;
use std::{
    error, fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, SystemTime},
};

const FIRST_LINE: &str = "longwire heartbeats 1";

/// More than [`Entries::MAX`] of the longest lines take.
const MAX_SIZE: u64 = 256 * 1024;

/// A [`Store`] in a file: text, one line for each of up to 256 routes.
///
/// The file is replaced as a whole when something is learned, so it is never half
/// written. It and the folder it is in are made when they are needed, for their
/// user's eyes only: it tells whom the user talks to. Lines that cannot be read
/// are an error once, and gone with the next write. When several processes write
/// at the same time the last one wins; what is lost by that is learned again.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    /// One thread at a time reads and writes.
    turn: Mutex<()>,
}

/// What is wrong with the file of a [`FileStore`].
#[derive(Debug)]
pub struct FileStoreError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Read(io::Error),
    Write(io::Error),
    /// The number of a line that could not be read.
    Broken(usize),
}

impl FileStore {
    /// A store in the file at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> FileStore {
        FileStore {
            path: path.into(),
            turn: Mutex::default(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn error(&self, problem: Problem) -> FileStoreError {
        FileStoreError {
            path: self.path.clone(),
            problem,
        }
    }

    /// What can be read, and what could not.
    fn read(&self) -> (Entries, Option<FileStoreError>) {
        let (entries, problem) = match read_text(&self.path) {
            Ok(text) => parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Entries::default(), None),
            Err(error) => (Entries::default(), Some(Problem::Read(error))),
        };
        (entries, problem.map(|problem| self.error(problem)))
    }

    fn write(&self, entries: &Entries) -> Result<(), StoreError> {
        let written = replace(&self.path, &format(entries));
        Ok(written.map_err(|error| self.error(Problem::Write(error)))?)
    }
}

impl Store for FileStore {
    fn load(&self, route: &Route) -> Result<Option<Known>, StoreError> {
        let _turn = lock(&self.turn);
        match self.read() {
            (entries, None) => Ok(entries.get(route, SystemTime::now())),
            (_, Some(error)) => Err(error.into()),
        }
    }

    fn save(&self, route: &Route, known: &Known) -> Result<(), StoreError> {
        let _turn = lock(&self.turn);
        // What could not be read was told when it was loaded.
        let (mut entries, _) = self.read();
        entries.put(route, known, SystemTime::now());
        self.write(&entries)
    }

    fn forget(&self, route: &Route) -> Result<(), StoreError> {
        let _turn = lock(&self.turn);
        let (mut entries, error) = self.read();
        if entries.remove(route) {
            return self.write(&entries);
        }
        error.map_or(Ok(()), |error| Err(error.into()))
    }
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_SIZE + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SIZE {
        let message = format!("it is longer than {MAX_SIZE} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    // What is no text is no line that can be read either.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What can be read, and the first line that could not.
fn parse(text: &str) -> (Entries, Option<Problem>) {
    let mut entries = Entries::default();
    let mut lines = text.lines();
    if lines.next() != Some(FIRST_LINE) {
        return (entries, Some(Problem::Broken(1)));
    }
    let mut broken = None;
    for (number, line) in lines.enumerate() {
        match parse_line(line) {
            Some(entry) => entries.insert(entry),
            None => broken = broken.or(Some(Problem::Broken(number + 2))),
        }
    }
    (entries, broken)
}

fn parse_line(line: &str) -> Option<Entry> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [learned, network, endpoint, proven, refuted] = fields[..] else {
        return None;
    };
    let millis = |text: &str| text.parse().ok().map(Duration::from_millis);
    let learned = Duration::from_secs(learned.parse().ok()?);
    Some(Entry {
        route: Route::parse(network, endpoint)?,
        proven: millis(proven)?,
        refuted: match refuted {
            "-" => None,
            refuted => Some(millis(refuted)?),
        },
        learned: SystemTime::UNIX_EPOCH.checked_add(learned)?,
    })
}

fn format(entries: &Entries) -> String {
    let mut text = format!("{FIRST_LINE}\n");
    for entry in entries.iter() {
        let learned = entry.learned.duration_since(SystemTime::UNIX_EPOCH);
        let learned = learned.unwrap_or_default().as_secs();
        let (network, endpoint) = (entry.route.network(), entry.route.endpoint());
        let proven = entry.proven.as_millis();
        let refuted = entry
            .refuted
            .map_or_else(|| "-".to_owned(), |span| span.as_millis().to_string());
        text += &format!("{learned} {network} {endpoint} {proven} {refuted}\n");
    }
    text
}

/// Puts a file with this text in the place of the one at `path`, in one step.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    private_folder().create(folder)?;
    let mut name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?
        .to_owned();
    name.push(format!(".{:016x}.new", rand::random::<u64>()));
    let new = folder.join(name);
    let replaced = write_new(&new, text).and_then(|()| fs::rename(&new, path));
    if replaced.is_err() {
        // It is of no use to anybody.
        let _ = fs::remove_file(&new);
    }
    replaced
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

impl fmt::Display for FileStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            Problem::Read(error) => write!(f, "cannot read {path}: {error}"),
            Problem::Write(error) => write!(f, "cannot write {path}: {error}"),
            Problem::Broken(line) => write!(
                f,
                "line {line} of {path} is not one of learned heartbeats; it is left out when \
                 something new is learned"
            ),
        }
    }
}

impl error::Error for FileStoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.problem {
            Problem::Read(error) | Problem::Write(error) => Some(error),
            Problem::Broken(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
