//! Which core a process runs on.

/// The core of the server.
pub(crate) const SERVER: usize = 0;
/// The core of the load generator.
pub(crate) const LOAD: usize = 1;

/// While this lives, what this thread starts runs on one core. Where cores
/// cannot be chosen it does nothing.
#[cfg(target_os = "linux")]
pub(crate) struct Pinned(Option<rustix::thread::CpuSet>);

#[cfg(target_os = "linux")]
impl Pinned {
    pub(crate) fn to(core: usize) -> Pinned {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let Ok(before) = sched_getaffinity(None) else {
            return Pinned(None);
        };
        let mut one = CpuSet::new();
        one.set(core);
        Pinned(sched_setaffinity(None, &one).is_ok().then_some(before))
    }
}

#[cfg(target_os = "linux")]
impl Drop for Pinned {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = rustix::thread::sched_setaffinity(None, before);
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) struct Pinned;

#[cfg(not(target_os = "linux"))]
impl Pinned {
    pub(crate) fn to(_: usize) -> Pinned {
        Pinned
    }
}
