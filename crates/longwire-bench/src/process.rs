use crate::Error;
use std::{fs, io, path::PathBuf, time::Duration};

/// A process of this machine, whose use of CPU and memory is looked at. Linux
/// alone tells them, in `/proc`.
#[derive(Debug, Clone)]
pub struct Process {
    id: u32,
}

/// What a process used while something was measured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// The time on a CPU, user and system, of all its threads.
    pub cpu: Duration,
}

impl Process {
    /// The process with that id.
    ///
    /// # Errors
    /// [`Error::Process`] if there is none, or nothing is told of it.
    pub fn new(id: u32) -> Result<Process, Error> {
        let process = Process { id };
        process.cpu()?;
        Ok(process)
    }

    /// This process, where it can be looked at.
    pub(crate) fn this() -> Option<Process> {
        Process::new(std::process::id()).ok()
    }

    /// The time that its threads were on a CPU, those that have ended too.
    ///
    /// # Errors
    /// [`Error::Process`] if the process has ended.
    pub fn cpu(&self) -> Result<Duration, Error> {
        self.read(|| cpu_clock(self.id))
    }

    /// Its resident memory, in bytes.
    ///
    /// # Errors
    /// [`Error::Process`] if the process has ended, or is somebody else's.
    pub fn resident_memory(&self) -> Result<u64, Error> {
        // Counted page by page; VmRSS in status is off by up to 64 pages a core.
        self.read(|| {
            let text = fs::read_to_string(self.path("smaps_rollup"))?;
            let line = text.lines().find_map(|line| line.strip_prefix("Rss:"));
            Ok(first_number(line.unwrap_or_default())? * 1024)
        })
    }

    fn path(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.id))
    }

    fn read<T>(&self, read: impl FnOnce() -> io::Result<T>) -> Result<T, Error> {
        read().map_err(|source| Error::Process {
            id: self.id,
            source,
        })
    }
}

/// How much memory the kernel has for TCP sockets of this machine, in bytes:
/// what stands in their queues, not the sockets themselves. None where it is not
/// told.
pub fn kernel_socket_memory() -> Option<u64> {
    const PAGE: u64 = 4096;
    let text = fs::read_to_string("/proc/net/sockstat").ok()?;
    let tcp = text.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let (_, memory) = tcp.split_once(" mem ")?;
    Some(first_number(memory).ok()? * PAGE)
}

/// The clock has nanoseconds, where `/proc` has hundredths of a second, or
/// forgets the threads that have ended.
#[cfg(target_os = "linux")]
fn cpu_clock(id: u32) -> io::Result<Duration> {
    use nix::{
        time::{clock_getcpuclockid, clock_gettime},
        unistd::Pid,
    };
    let id = i32::try_from(id).map_err(|_| io::ErrorKind::NotFound)?;
    let clock = clock_getcpuclockid(Pid::from_raw(id))?;
    Ok(clock_gettime(clock)?.into())
}

#[cfg(not(target_os = "linux"))]
fn cpu_clock(_: u32) -> io::Result<Duration> {
    Err(io::ErrorKind::Unsupported.into())
}

fn first_number(text: &str) -> io::Result<u64> {
    let number = text
        .split_whitespace()
        .next()
        .and_then(|it| it.parse().ok());
    number.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// A stretch of a process's time.
pub(crate) struct Meter {
    process: Option<Process>,
    from: Duration,
}

impl Meter {
    pub(crate) fn start(process: Option<&Process>) -> Result<Meter, Error> {
        let from = process.map(Process::cpu).transpose()?.unwrap_or_default();
        Ok(Meter {
            process: process.cloned(),
            from,
        })
    }

    /// What was used since the start.
    pub(crate) fn stop(&self) -> Result<Option<Usage>, Error> {
        let to = self.process.as_ref().map(Process::cpu).transpose()?;
        Ok(to.map(|to| Usage {
            cpu: to.saturating_sub(self.from),
        }))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::hint::black_box;

    /// Also that of a thread which has ended, and whatever else ends meanwhile.
    #[test]
    fn work_shows_as_cpu_time() {
        let process = Process::new(std::process::id()).unwrap();
        let meter = Meter::start(Some(&process)).unwrap();
        let own = || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime).tv_nsec;
        let work = std::thread::spawn(move || {
            let start = own();
            while own() - start < 20_000_000 {
                black_box(start);
            }
        });
        work.join().unwrap();
        let used = meter.stop().unwrap().unwrap().cpu;
        assert!(used >= Duration::from_millis(20), "{used:?}");
    }

    #[test]
    fn memory_that_is_written_shows() {
        let process = Process::new(std::process::id()).unwrap();
        let before = process.resident_memory().unwrap();
        let memory = vec![1_u8; 64 << 20];
        let after = process.resident_memory().unwrap();
        black_box(memory);
        assert!(after > before + (32 << 20), "{before} {after}");
    }

    #[test]
    fn nobody_is_told_of() {
        assert!(matches!(
            Process::new(u32::MAX),
            Err(Error::Process { id: u32::MAX, .. })
        ));
    }
}
