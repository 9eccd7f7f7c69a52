//! Medians, percentiles and what a repetition comes to. It never measures.

use crate::load::Driven;

/// What one repetition came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Figures {
    /// Workflows a second.
    pub(crate) rate: f64,
    /// Median of a workflow from its start to its end, in milliseconds.
    pub(crate) median_ms: f64,
    /// 99th percentile of the same.
    pub(crate) slow_ms: f64,
    /// Median of a workflow when there is one starter, in milliseconds.
    pub(crate) alone_ms: f64,
    /// Bytes that a workflow left in the store.
    pub(crate) bytes: f64,
    /// Waits for the disk that a workflow caused, one starter; none when nothing can count them here.
    pub(crate) syncs: Option<f64>,
    /// Processors that others kept busy just before.
    pub(crate) others: f64,
}

/// A figure of several repetitions: the middle, the lowest and the highest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Figures {
    /// Of workflows under load and alone.
    pub(crate) fn of(loaded: &Driven, alone: &Driven) -> Self {
        Self {
            rate: loaded.spent_ms.len() as f64 / loaded.seconds.max(f64::MIN_POSITIVE),
            median_ms: percentile(&loaded.spent_ms, 50),
            slow_ms: percentile(&loaded.spent_ms, 99),
            alone_ms: percentile(&alone.spent_ms, 50),
            bytes: 0.0,
            syncs: None,
            others: 0.0,
        }
    }
}

impl Spread {
    /// Of some values; none when there are none.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let least = values.iter().copied().min_by(f64::total_cmp)?;
        let most = values.iter().copied().max_by(f64::total_cmp)?;
        Some(Self { median: percentile(values, 50), least, most })
    }

    /// `median (least … most)`; the median alone when they read the same.
    pub(crate) fn text(&self) -> String {
        let [median, least, most] = [self.median, self.least, self.most].map(number);
        if least == most { median } else { format!("{median} ({least} … {most})") }
    }
}

/// The smallest value that at least so many percent of the values do not exceed; 0 when there are none.
pub(crate) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let place = (values.len() * percent).div_ceil(100).saturating_sub(1);
    values.get(place).copied().unwrap_or(0.0)
}

/// Three digits are enough for anything that varies.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 99.95 => thousands(&format!("{value:.0}")),
        middle if middle >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn thousands(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) && digit.is_ascii_digit() {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let cases: [(&[f64], usize, f64); 7] = [
            (&[], 50, 0.0),
            (&[7.0], 50, 7.0),
            (&[7.0], 99, 7.0),
            (&[3.0, 1.0, 2.0], 50, 2.0),
            (&[4.0, 3.0, 1.0, 2.0], 50, 2.0),
            (&hundred, 50, 50.0),
            (&hundred, 99, 99.0),
        ];
        for (values, percent, expected) in cases {
            assert_eq!(percentile(values, percent), expected, "{percent} % of {values:?}");
        }
    }

    #[test]
    fn a_spread_names_the_middle_and_both_ends() {
        assert_eq!(Spread::of(&[]), None);
        let spread = Spread::of(&[1_234_567.0, 9.0, 12.0]).expect("there are values");
        assert_eq!(spread.text(), "12.0 (9.00 … 1,234,567)");
        let same = Spread::of(&[0.5, 0.501]).expect("there are values");
        assert_eq!(same.text(), "0.50");
    }

    #[test]
    fn numbers_have_three_digits() {
        let cases = [(0.0, "0.00"), (9.996, "10.0"), (99.96, "100"), (999.6, "1,000"), (12_345.6, "12,346")];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn a_repetition_is_counted_by_its_workflows() {
        let loaded = Driven { seconds: 2.0, spent_ms: vec![1.0, 2.0, 3.0, 10.0] };
        let alone = Driven { seconds: 1.0, spent_ms: vec![0.5] };
        let expected =
            Figures { rate: 2.0, median_ms: 2.0, slow_ms: 10.0, alone_ms: 0.5, ..Figures::default() };
        assert_eq!(Figures::of(&loaded, &alone), expected);
    }
}
