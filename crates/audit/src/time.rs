//! Times as events carry them: RFC 3339, UTC, microseconds, always 27 characters.

use crate::error::{Error, ErrorKind, Result};
use std::fmt;

/// A checked time such as `2026-01-02T03:04:05.678901Z`. Text order is time order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(String);

const MICROS_PER_DAY: i64 = 86_400_000_000;

impl Timestamp {
    /// The time `micros` microseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// `InvalidEvent` before 1970 and after 9999, which four digits cannot hold.
    pub fn from_unix_micros(micros: i64) -> Result<Self> {
        let days = micros.div_euclid(MICROS_PER_DAY);
        let rest = micros.rem_euclid(MICROS_PER_DAY);
        let (year, month, day) = civil(days);
        if !(1970..=9999).contains(&year) {
            return Err(bad());
        }
        let (secs, us) = (rest / 1_000_000, rest % 1_000_000);
        Ok(Self(format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{us:06}Z",
            secs / 3600,
            secs / 60 % 60,
            secs % 60
        )))
    }

    /// Takes a text of exactly this form.
    ///
    /// # Errors
    /// `InvalidEvent` for any other form, also for other spellings of the same time.
    pub fn parse(text: &str) -> Result<Self> {
        const FORM: &[u8; 27] = b"dddd-dd-ddTdd:dd:dd.ddddddZ";
        let fits = text.len() == FORM.len()
            && text.bytes().zip(FORM).all(|(b, f)| match f {
                b'd' => b.is_ascii_digit(),
                other => b == *other,
            });
        let part = |from: usize, to: usize| {
            text.get(from..to)
                .and_then(|s| s.parse::<u32>().ok())
                .unwrap_or(u32::MAX)
        };
        let in_range = fits
            && (1..=12).contains(&part(5, 7))
            && (1..=month_length(part(0, 4), part(5, 7))).contains(&part(8, 10))
            && part(11, 13) < 24
            && part(14, 16) < 60
            && part(17, 19) < 60;
        if in_range {
            Ok(Self(text.to_owned()))
        } else {
            Err(bad())
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn bad() -> Error {
    Error::new(
        ErrorKind::InvalidEvent,
        "the event's time is not of the form 2026-01-02T03:04:05.678901Z",
    )
}

fn month_length(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 to year, month, day of the proleptic Gregorian calendar
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times() {
        for (us, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399_999_999, "2000-02-28T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_767_225_600_000_001, "2026-01-01T00:00:00.000001Z"),
        ] {
            assert_eq!(Timestamp::from_unix_micros(us).unwrap().as_str(), text);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05.678901+00:00",
            "2026-01-02t03:04:05.678901z",
            "2026-13-02T03:04:05.678901Z",
            "2026-02-29T03:04:05.678901Z",
            "2100-02-29T03:04:05.678901Z",
            "2026-04-31T03:04:05.678901Z",
            "2026-04-00T03:04:05.678901Z",
            "2026-01-02T24:04:05.678901Z",
            "2026-01-02T03:04:05.67890\u{0661}",
        ] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
        assert!(Timestamp::from_unix_micros(-1).is_err());
        assert!(Timestamp::from_unix_micros(i64::MAX).is_err());
    }

    proptest! {
        #[test]
        fn what_is_made_parses_and_sorts(a in 0i64..253_402_300_799_999_999, b in 0i64..253_402_300_799_999_999) {
            let (x, y) = (Timestamp::from_unix_micros(a).unwrap(), Timestamp::from_unix_micros(b).unwrap());
            prop_assert_eq!(&Timestamp::parse(x.as_str()).unwrap(), &x);
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        }
    }
}
