//! Rates: so many of so many, with how sure that is.

use serde::Serialize;

/// Two standard errors, as a Wilson interval of 95 % takes them.
const Z: f64 = 1.959_963_984_540_054;

/// A part of a whole.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// How many.
    pub part: u64,
    /// Of how many.
    pub whole: u64,
    /// The rate, 0 to 1; none of nothing. More than 1 when the part is not taken from the whole.
    pub rate: Option<f64>,
    /// Between which rates the true one lies with 95 % probability (Wilson's score interval); none where there is no
    /// such thing.
    pub interval: Option<[f64; 2]>,
}

impl Rate {
    /// So many of so many.
    pub fn of(part: u64, whole: u64) -> Self {
        if whole == 0 {
            return Self { part, whole, rate: None, interval: None };
        }
        let rate = part as f64 / whole as f64;
        Self { part, whole, rate: Some(rate), interval: (part <= whole).then(|| wilson(rate, whole as f64)) }
    }

    /// For people: `12.3 %`, or `–` of nothing.
    pub fn percent(&self) -> String {
        self.rate.map_or_else(|| "–".to_owned(), |rate| format!("{:.1} %", rate * 100.0))
    }
}

/// Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927).
fn wilson(rate: f64, whole: f64) -> [f64; 2] {
    let square = Z * Z / whole;
    let middle = (rate + square / 2.0) / (1.0 + square);
    let half = Z * (rate * (1.0 - rate) / whole + square / (4.0 * whole)).sqrt() / (1.0 + square);
    [(middle - half).max(0.0), (middle + half).min(1.0)]
}

/// How a take rate (引流率: friends added of parcels with a card) compares with what is usual. Source of the bands: the
/// practice of package-card agencies, 10 to 15 % normal, more excellent, less an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TakeBand {
    /// Below 10 %.
    Alarm,
    /// 10 to 15 %.
    Normal,
    /// Above 15 %.
    Excellent,
}

impl TakeBand {
    /// The band of a take rate; none without parcels.
    pub fn of(rate: &Rate) -> Option<Self> {
        let (part, whole) = (u128::from(rate.part), u128::from(rate.whole));
        match (part * 100, whole * 10, whole * 15) {
            (_, 0, _) => None,
            (part, ten, _) if part < ten => Some(Self::Alarm),
            (part, _, fifteen) if part > fifteen => Some(Self::Excellent),
            _ => Some(Self::Normal),
        }
    }

    /// The name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Normal => "normal",
            Self::Excellent => "excellent",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bands_of_take_rates_end_at_ten_and_fifteen_percent_exactly() {
        for (part, whole, band) in [
            (0, 0, None),
            (0, 1, Some(TakeBand::Alarm)),
            (99, 1_000, Some(TakeBand::Alarm)),
            (100, 1_000, Some(TakeBand::Normal)),
            (150, 1_000, Some(TakeBand::Normal)),
            (151, 1_000, Some(TakeBand::Excellent)),
            (u64::MAX, u64::MAX, Some(TakeBand::Excellent)),
        ] {
            assert_eq!(TakeBand::of(&Rate::of(part, whole)), band, "{part} of {whole}");
        }
    }

    #[test]
    fn a_rate_says_how_sure_it_is() {
        let [low, high] = Rate::of(10, 100).interval.unwrap();
        // Wilson's interval of 10 in 100, as published tables have it.
        assert!((low - 0.0552).abs() < 1e-4 && (high - 0.1744).abs() < 1e-4, "{low} {high}");
        assert_eq!(Rate::of(0, 0).percent(), "–");
        assert_eq!(Rate::of(1, 8).percent(), "12.5 %");
        assert_eq!(Rate::of(3, 2).interval, None);
        let [low, high] = Rate::of(5, 5).interval.unwrap();
        assert!(low > 0.5 && high <= 1.0);
    }
}
