//! What many turns come to.

/// A median, and what lies around it where there is enough to tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) around: Option<(f64, f64)>,
}

impl Summary {
    /// With both quartiles: how much single turns differ.
    pub(crate) fn with_quartiles(numbers: &[f64]) -> Option<Summary> {
        let quarter = |count: usize| (count > 1).then_some((count - 1) / 4);
        Summary::new(numbers, quarter)
    }

    /// With the interval that holds the true median in 95 of 100 cases, whatever
    /// the numbers' distribution: it reaches from one of them to another.
    pub(crate) fn with_interval(numbers: &[f64]) -> Option<Summary> {
        Summary::new(numbers, end_of_interval)
    }

    /// None of no numbers. `end` says how many of so many numbers lie before
    /// what is told; as many lie behind it.
    fn new(numbers: &[f64], end: impl Fn(usize) -> Option<usize>) -> Option<Summary> {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        Some(Summary {
            median: f64::midpoint(sorted[last / 2], sorted[sorted.len() / 2]),
            around: end(sorted.len()).map(|end| (sorted[end], sorted[last - end])),
        })
    }
}

/// How many numbers, at either end, the interval leaves out. Each number lies
/// below the true median like a coin shows heads, so that the interval misses it
/// when so few heads or fewer come of so many coins, or so few tails: each may
/// happen in 2.5 of 100 cases. None if there are too few numbers for that.
fn end_of_interval(count: usize) -> Option<usize> {
    const LEFT_OUT: f64 = 0.025;
    let mut ln_chance = -(count as f64) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for heads in 0..count {
        sum += ln_chance.exp();
        if sum > LEFT_OUT {
            return heads.checked_sub(1);
        }
        ln_chance += ((count - heads) as f64 / (heads + 1) as f64).ln();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_outlier_does_not_move_the_median() {
        let summary = Summary::with_quartiles(&[3.0, 1.0, 99.0, 2.0, 4.0]);
        let expected = Summary {
            median: 3.0,
            around: Some((2.0, 4.0)),
        };
        assert_eq!(summary, Some(expected));
        let two = Summary::with_quartiles(&[1.0, 2.0]);
        assert_eq!(two.map(|it| it.median), Some(1.5));
        assert_eq!(Summary::with_quartiles(&[]), None);
    }

    #[test]
    fn one_number_has_nothing_around_it() {
        let around = |of: fn(&[f64]) -> Option<Summary>| of(&[1.0]).and_then(|it| it.around);
        assert_eq!(around(Summary::with_quartiles), None);
        assert_eq!(around(Summary::with_interval), None);
    }

    /// The ranks in tables of the sign test, counted from 0.
    #[test]
    fn the_interval_is_that_of_the_sign_test() {
        assert_eq!(end_of_interval(5), None);
        for (count, end) in [(6, 0), (8, 0), (9, 1), (20, 5), (25, 7), (100, 39)] {
            assert_eq!(end_of_interval(count), Some(end), "{count}");
        }
        // About half less the root, as the normal distribution has it.
        let end = end_of_interval(10_000).unwrap_or_default();
        assert!((4895..=4905).contains(&end), "{end}");
    }

    #[test]
    fn the_interval_lies_around_the_median() {
        let numbers: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        let summary = Summary::with_interval(&numbers);
        let expected = Summary {
            median: 10.5,
            around: Some((6.0, 15.0)),
        };
        assert_eq!(summary, Some(expected));
    }
}
