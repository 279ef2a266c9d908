//! Where compressors come from: one pool for each thread.

use super::engine::{ZlibDeflate, ZlibInflate};
use longwire_proto::extension::{
    Codecs, Deflate, DeflateSettings, Inflate, Inflated, InvalidDeflate,
};
use std::{
    any::Any,
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The pool of the thread that a call is made on.
///
/// A connection may give back on one thread what it was lent on another one: it
/// counts against the pool that lent it until then, and stays with the other.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreadCodecs;

thread_local! {
    static POOL: RefCell<Pool> = RefCell::new(Pool::default());
}

/// Compressors and decompressors: some that wait for work, and a bound on those
/// that are lent.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "they are lent in these boxes")]
pub struct Pool {
    inflaters: Vec<Box<Lent<ZlibInflate>>>,
    deflaters: Vec<Box<Lent<ZlibDeflate>>>,
    lent: Arc<AtomicUsize>,
}

/// How many of each kind wait for work. A thread has one message in hand at a
/// time; more are lent only to messages that come or go in pieces.
const IDLE: usize = 2;

/// A codec, and what it counts for while it is lent.
#[derive(Debug)]
struct Lent<C> {
    codec: C,
    share: Option<Share>,
}

/// Bytes that are lent out of a pool, until this is dropped.
#[derive(Debug)]
struct Share {
    lent: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.lent.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Pool {
    /// How many bytes are lent.
    pub fn lent(&self) -> usize {
        self.lent.load(Ordering::Relaxed)
    }

    /// Counts `bytes` as lent, if that is not too much.
    fn share(&self, bytes: usize, max_lent: usize) -> Option<Share> {
        // Others only give back, so there is nothing to race for.
        if self.lent().saturating_add(bytes) > max_lent {
            return None;
        }
        self.lent.fetch_add(bytes, Ordering::Relaxed);
        Some(Share {
            lent: Arc::clone(&self.lent),
            bytes,
        })
    }
}

impl Codecs for Pool {
    fn inflater(&mut self, max_lent: usize) -> Option<Box<dyn Inflate>> {
        let share = self.share(ZlibInflate::MEMORY, max_lent)?;
        let mut inflater = self.inflaters.pop().unwrap_or_default();
        inflater.share = Some(share);
        Some(inflater)
    }

    fn deflater(&mut self, settings: DeflateSettings, max_lent: usize) -> Option<Box<dyn Deflate>> {
        let share = self.share(ZlibDeflate::memory(settings), max_lent)?;
        let fits = |idle: &Lent<ZlibDeflate>| idle.codec.settings() == settings;
        let mut deflater = match self.deflaters.iter().position(|idle| fits(idle)) {
            Some(at) => {
                let mut deflater = self.deflaters.swap_remove(at);
                deflater.codec.reset();
                deflater
            }
            None => Box::new(Lent {
                codec: ZlibDeflate::new(settings),
                share: None,
            }),
        };
        deflater.share = Some(share);
        Some(deflater)
    }

    fn take_back_inflater(&mut self, inflater: Box<dyn Inflate>) {
        let inflater: Box<dyn Any> = inflater;
        if let Ok(inflater) = inflater.downcast() {
            keep(&mut self.inflaters, inflater);
        }
    }

    fn take_back_deflater(&mut self, deflater: Box<dyn Deflate>) {
        let deflater: Box<dyn Any> = deflater;
        if let Ok(deflater) = deflater.downcast() {
            keep(&mut self.deflaters, deflater);
        }
    }
}

/// Keeps a codec that came back, in the place of the one that has waited longest
/// if there are enough.
fn keep<C>(idle: &mut Vec<Box<Lent<C>>>, mut codec: Box<Lent<C>>) {
    codec.share = None;
    if idle.len() >= IDLE {
        idle.remove(0);
    }
    idle.push(codec);
}

impl Codecs for ThreadCodecs {
    fn inflater(&mut self, max_lent: usize) -> Option<Box<dyn Inflate>> {
        with_pool(|pool| pool.inflater(max_lent)).flatten()
    }

    fn deflater(&mut self, settings: DeflateSettings, max_lent: usize) -> Option<Box<dyn Deflate>> {
        with_pool(|pool| pool.deflater(settings, max_lent)).flatten()
    }

    fn take_back_inflater(&mut self, inflater: Box<dyn Inflate>) {
        with_pool(|pool| pool.take_back_inflater(inflater));
    }

    fn take_back_deflater(&mut self, deflater: Box<dyn Deflate>) {
        with_pool(|pool| pool.take_back_deflater(deflater));
    }
}

/// `None` only while the thread ends.
fn with_pool<R>(call: impl FnOnce(&mut Pool) -> R) -> Option<R> {
    POOL.try_with(|pool| call(&mut pool.borrow_mut())).ok()
}

impl Default for Lent<ZlibInflate> {
    fn default() -> Self {
        Lent {
            codec: ZlibInflate::new(),
            share: None,
        }
    }
}

impl Inflate for Lent<ZlibInflate> {
    fn restart(&mut self, history: &[&[u8]]) {
        self.codec.restart(history);
    }

    fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Inflated, InvalidDeflate> {
        self.codec.inflate(input, output)
    }
}

impl Deflate for Lent<ZlibDeflate> {
    fn settings(&self) -> DeflateSettings {
        self.codec.settings()
    }

    fn deflate(&mut self, input: &[u8], output: &mut Vec<u8>) {
        self.codec.deflate(input, output);
    }
}
