//! Finds medians, but wrongly for an even number of values, on purpose: one test passes, one fails.

/// The middle value of a list.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    // The mistake is here: with an even number of values the median is the mean of the middle two.
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn odd_number_of_values() {
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
    }

    #[test]
    fn even_number_of_values() {
        let values = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(median(&values), Some(3.0), "the median of {values:?}");
    }
}
