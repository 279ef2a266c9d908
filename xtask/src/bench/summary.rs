//! What many turns come to.

/// The median of some numbers, and the least and the greatest of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

impl Summary {
    /// None of no numbers.
    pub(crate) fn of(numbers: &[f64]) -> Option<Summary> {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (&least, &greatest) = (sorted.first()?, sorted.last()?);
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Summary {
            median: f64::midpoint(low, high),
            least,
            greatest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_outlier_does_not_move_the_median() {
        let summary = Summary::of(&[3.0, 1.0, 99.0]);
        let expected = Summary {
            median: 3.0,
            least: 1.0,
            greatest: 99.0,
        };
        assert_eq!(summary, Some(expected));
        assert_eq!(Summary::of(&[1.0, 2.0]).map(|it| it.median), Some(1.5));
        assert_eq!(Summary::of(&[]), None);
    }
}
