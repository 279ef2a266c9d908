//! Canaries that were dropped, and what they tell together.

use crate::probe::finding::End;
use longwire::heartbeat::{Fate, Outcome};
use std::time::Duration;

/// A server that closes sooner has not waited for anything.
const AT_ONCE: Duration = Duration::from_secs(1);
/// What became of a canary that was dropped.
pub(super) struct Dropped {
    /// After this silence.
    pub(super) after: Duration,
    /// It ended before it asked, so that this is when it was dropped.
    pub(super) exact: bool,
    pub(super) end: End,
}

/// The limit, if two canaries were ended after the same silence: that is a
/// timer, and needs no narrowing down.
pub(super) fn exact(dropped: &[Dropped]) -> Option<Duration> {
    const NEAR: Duration = Duration::from_millis(250);
    let mut exact: Vec<_> = dropped.iter().filter(|it| it.exact).collect();
    exact.sort_by_key(|it| it.after);
    exact.windows(2).find_map(|pair| {
        let apart = pair[1].after - pair[0].after;
        let alike = apart <= NEAR + pair[0].after / 50 && pair[0].end == pair[1].end;
        alike.then_some(pair[0].after)
    })
}

impl Dropped {
    pub(super) fn of(fate: &Fate, span: Duration) -> Option<Dropped> {
        Some(match fate {
            Fate::Silent => Dropped {
                after: span,
                exact: false,
                end: End::Silence,
            },
            Fate::Dropped { after, by } => Dropped {
                after: (*after).min(span),
                exact: *after < span,
                end: End::Segment(*by),
            },
            // A restart says nothing of the path, whenever it comes.
            Fate::Closed { after, info } if *after > AT_ONCE && fate.outcome() != Outcome::Void => {
                Dropped {
                    after: (*after).min(span),
                    exact: *after < span,
                    end: End::Close {
                        code: info.code().get(),
                        reason: info.reason().to_owned(),
                    },
                }
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use longwire::heartbeat::Segment;

    fn dropped(millis: u64, exact: bool, by: Segment) -> Dropped {
        Dropped {
            after: Duration::from_millis(millis),
            exact,
            end: End::Segment(by),
        }
    }

    #[test]
    fn two_ends_after_one_silence_are_a_timer() {
        use Segment::{Fin, Rst};
        let one = dropped(60_100, true, Fin);
        assert_eq!(exact(&[one]), None);
        let timer = [dropped(60_150, true, Fin), dropped(60_100, true, Fin)];
        assert_eq!(exact(&timer), Some(Duration::from_millis(60_100)));
        let apart = [dropped(60_000, true, Fin), dropped(70_000, true, Fin)];
        assert_eq!(exact(&apart), None);
        let unlike = [dropped(60_000, true, Fin), dropped(60_000, true, Rst)];
        assert_eq!(exact(&unlike), None);
        let answers = [dropped(60_000, false, Rst), dropped(60_000, false, Rst)];
        assert_eq!(exact(&answers), None);
    }
}
