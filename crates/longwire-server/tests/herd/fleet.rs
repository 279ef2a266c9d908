//! Clients that come back by themselves, and what became of what they sent.

use longwire::{
    Config, Connector,
    reconnecting::{Backoff, Event, Lost, Reconnecting, reconnecting},
};
use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::JoinHandle, time::sleep};

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until it is so.
async fn until(what: &str, mut holds: impl FnMut() -> Result<(), String>) {
    let deadline = Instant::now() + PATIENCE;
    while let Err(missing) = holds() {
        assert!(Instant::now() < deadline, "{what}: {missing}");
        sleep(Duration::from_millis(20)).await;
    }
}

pub(super) struct Fleet {
    members: Vec<Member>,
}

/// A client, in the hands of its task.
struct Member {
    outgoing: mpsc::UnboundedSender<u64>,
    ledger: Arc<Mutex<Ledger>>,
    next: u64,
    /// How many of its messages were lost by the end of the last fault.
    gone: usize,
    _task: JoinHandle<()>,
}

#[derive(Default)]
struct Ledger {
    open: bool,
    /// The numbers that came back, in order.
    echoed: Vec<u64>,
    /// Those that have to.
    owed: Vec<u64>,
    /// When it began to connect, and when it was lost.
    tries: Vec<Instant>,
    lost: Vec<Instant>,
    /// How many connections it ever lost.
    losses: usize,
    broken: Option<String>,
}

/// What a fault came to.
pub(super) struct Told {
    tries: usize,
    allowed: f64,
    unlucky: usize,
    gone: usize,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} tries ({:.0} allowed), {} messages lost with their connections, {} lost one twice",
            self.tries, self.allowed, self.gone, self.unlucky
        )
    }
}

fn backoff() -> Backoff {
    let mut backoff = Backoff::default();
    // The faults come sooner one after the other.
    backoff.proven_after = Duration::from_millis(500);
    backoff
}

fn connector() -> Connector {
    let mut config = Config::client();
    // So that a frozen server is noticed while somebody waits.
    config.ping_interval = Some(Duration::from_secs(1));
    config.min_pong_timeout = Duration::from_secs(3);
    config.pong_timeout = Duration::from_secs(4);
    Connector::builder()
        .config(config)
        .connect_timeout(Duration::from_secs(3))
        .handshake_timeout(Duration::from_secs(3))
        .build()
        .unwrap()
}

impl Member {
    fn start(url: &str) -> Member {
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let seen = Arc::clone(&ledger);
        let client = reconnecting(url)
            .connector(connector())
            .backoff(backoff())
            .on_event(move |event| seen.lock().unwrap().note(event))
            .build()
            .unwrap();
        let (outgoing, numbers) = mpsc::unbounded_channel();
        let task = tokio::spawn(run(client, numbers, Arc::clone(&ledger)));
        Member {
            outgoing,
            ledger,
            next: 0,
            gone: 0,
            _task: task,
        }
    }

    fn send(&mut self) -> u64 {
        self.outgoing.send(self.next).unwrap();
        self.next += 1;
        self.next - 1
    }

    fn owe(&mut self) {
        let number = self.send();
        self.ledger.lock().unwrap().owed.push(number);
    }
}

/// Sends what it is told to, and notes what comes back.
async fn run(
    mut client: Reconnecting,
    mut numbers: mpsc::UnboundedReceiver<u64>,
    ledger: Arc<Mutex<Ledger>>,
) {
    loop {
        tokio::select! {
            number = numbers.recv() => match number {
                Some(number) => client.send(number.to_string()).await.unwrap(),
                None => return,
            },
            message = client.next() => {
                let mut ledger = ledger.lock().unwrap();
                match message {
                    Some(Ok(message)) => {
                        let number = message.as_text().unwrap().parse().unwrap();
                        ledger.echoed.push(number);
                    }
                    Some(Err(error)) => ledger.broken = Some(error.to_string()),
                    None => return,
                }
            }
        }
    }
}

impl Ledger {
    fn note(&mut self, event: &Event<'_>) {
        let now = Instant::now();
        match event {
            Event::Connecting { .. } => self.tries.push(now),
            Event::Open { .. } => self.open = true,
            Event::Lost { cause, .. } => {
                self.open = false;
                if let Lost::Closed(_) = cause {
                    self.lost.push(now);
                    self.losses += 1;
                }
            }
            other => self.broken = Some(format!("{other:?}")),
        }
    }
}

impl Fleet {
    pub(super) fn start(url: &str, size: usize) -> Fleet {
        Fleet {
            members: (0..size).map(|_| Member::start(url)).collect(),
        }
    }

    async fn until_all(&self, what: &str, holds: impl Fn(&Ledger) -> bool) {
        until(what, || {
            let mut missing = 0;
            for member in &self.members {
                let ledger = member.ledger.lock().unwrap();
                assert_eq!(ledger.broken, None);
                missing += usize::from(!holds(&ledger));
            }
            let of = self.members.len();
            (missing == 0)
                .then_some(())
                .ok_or(format!("not so for {missing} of {of}"))
        })
        .await;
    }

    /// All are connected, and what each sends now comes back. If its connection
    /// is lost again, so may be that, and it sends once more.
    pub(super) async fn all_answered(&mut self) {
        self.until_all("all are connected", |ledger| ledger.open)
            .await;
        let mut lost_before = vec![usize::MAX; self.members.len()];
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut missing = 0;
            for (member, lost_before) in self.members.iter_mut().zip(&mut lost_before) {
                let ledger = Arc::clone(&member.ledger);
                let lost = ledger.lock().unwrap().losses;
                if lost != *lost_before {
                    *lost_before = lost;
                    member.owe();
                }
                missing += usize::from(!ledger.lock().unwrap().is_answered());
            }
            if missing == 0 {
                return;
            }
            assert!(Instant::now() < deadline, "{missing} have no answer");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Something is under way when it happens: it may be lost.
    pub(super) async fn send_into_the_fault(&mut self) {
        for member in &mut self.members {
            let mut ledger = member.ledger.lock().unwrap();
            ledger.lost.clear();
            ledger.tries.clear();
            drop(ledger);
            for _ in 0..3 {
                member.send();
            }
        }
    }

    /// All have lost their connections, and know it.
    pub(super) async fn all_lost(&self) {
        self.until_all("all have noticed", |ledger| !ledger.lost.is_empty())
            .await;
    }

    /// What is sent while nobody is connected waits, and must not be lost.
    pub(super) async fn send_while_away(&mut self) {
        self.until_all("nobody is connected", |ledger| !ledger.open)
            .await;
        for member in &mut self.members {
            for _ in 0..2 {
                member.owe();
            }
        }
        // Until the tasks have handed it over.
        sleep(Duration::from_millis(300)).await;
    }

    /// Looks at what became of it all.
    pub(super) fn settle(&mut self) -> Told {
        let mut tries = Vec::new();
        let mut first_loss = Instant::now();
        let mut told = Told {
            tries: 0,
            allowed: 0.0,
            unlucky: 0,
            gone: 0,
        };
        for member in &mut self.members {
            let mut ledger = member.ledger.lock().unwrap();
            tries.extend_from_slice(&ledger.tries);
            first_loss = first_loss.min(ledger.lost[0]);
            let unlucky = ledger.lost.len() > 1;
            told.unlucky += usize::from(unlucky);
            let gone = ledger.check(unlucky);
            told.gone += gone - member.gone;
            member.gone = gone;
            ledger.owed.clear();
        }
        // A busy machine may well be silent for as long as a dead one.
        assert!(told.unlucky <= self.members.len() / 10, "{told}");
        told.tries = tries.len();
        told.allowed = self.check_tries(&tries, first_loss);
        told
    }

    /// Checks that there are never more tries than [`Backoff`] tells, and four
    /// standard deviations of a random count. How many are allowed in all.
    fn check_tries(&self, tries: &[Instant], first_loss: Instant) -> f64 {
        let (min, max) = (backoff().min.as_secs_f64(), backoff().max.as_secs_f64());
        let allowed = |seconds: f64| {
            let each = (1.0 + 2.0 * seconds / min).log2() + 2.0 * seconds / max;
            let all = each * self.members.len() as f64;
            all + 4.0 * all.sqrt()
        };
        let last = tries
            .iter()
            .max()
            .map_or(0.0, |last| (*last - first_loss).as_secs_f64());
        for second in 1..=last.ceil() as u64 {
            let within = |from: u64| {
                let until = first_loss + Duration::from_secs(second);
                let from = first_loss + Duration::from_secs(from);
                tries.iter().filter(|at| (from..until).contains(at)).count() as f64
            };
            assert!(
                within(0) <= allowed(second as f64),
                "{second} s: {}",
                within(0)
            );
            // And no second is worse than the first may be.
            assert!(
                within(second - 1) <= allowed(1.0),
                "{second} s: {}",
                within(second - 1)
            );
        }
        allowed(last)
    }
}

impl Ledger {
    /// Answers come in order, so the last one says it.
    fn is_answered(&self) -> bool {
        self.echoed.last() >= self.owed.last()
    }

    /// Checks that nothing came twice or out of order, and that nothing is lost
    /// that was owed. How many were lost otherwise, all in all.
    fn check(&self, unlucky: bool) -> usize {
        let in_order = self.echoed.is_sorted_by(|one, other| one < other);
        assert!(in_order, "doubled or out of order: {:?}", self.echoed);
        let echoed: HashSet<u64> = self.echoed.iter().copied().collect();
        let missing = |number: &&u64| !echoed.contains(number);
        let owed: Vec<&u64> = self.owed.iter().filter(missing).collect();
        // Whose connection was lost again, may have lost what was sent by then.
        assert!(owed.is_empty() || unlucky, "lost: {owed:?}");
        let sent = self.echoed.last().map_or(0, |last| last + 1);
        let gone = sent as usize - self.echoed.len();
        // One connection's messages arrive up to the first that does not, so
        // what is lost is one run of numbers for each connection.
        let mut runs = 0;
        let mut expected = 0;
        for number in &self.echoed {
            runs += usize::from(*number > expected);
            expected = number + 1;
        }
        assert!(runs <= self.losses, "{runs} runs, {} losses", self.losses);
        gone
    }
}
