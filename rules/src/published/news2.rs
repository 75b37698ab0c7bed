//! What a whole NEWS2 calls for, as its source has it. Our protocol says it in its own words, for somebody at home.

use crate::pack::score::Total;

/// What the Royal College of Physicians asks for at a total.
///
/// Source: NEWS2, 2017, Chart 4 (scribd 538260233, 425524035). Written for hospitals: how often a person is to be observed
/// there is never shown to somebody at home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News2Response {
    /// Whether one part alone counts 3.
    pub any_single_3: bool,
    /// `low`, `low_medium`, `medium` or `high`.
    pub risk: &'static str,
    /// How often at least to observe in hospital.
    pub min_monitoring: &'static str,
}

impl News2Response {
    /// What a score calls for; none while parts are missing, because an interval is no total.
    ///
    /// ```
    /// use rules::{pack::{Given, Pack, SHIPPED, Settings}, published::News2Response};
    /// let news2 = SHIPPED.iter().find_map(|text| Pack::read(text).ok().filter(|pack| pack.id == "news2")).unwrap();
    /// let pulse_alone = news2.scores[0].total_of(&[("pulse", Given::Number(131_u16.into()))], &Settings::default()).unwrap();
    /// assert_eq!(News2Response::to(&pulse_alone), None, "1 of 7 is known");
    /// ```
    #[must_use]
    pub fn to(total: &Total) -> Option<Self> {
        let points = total.parts.iter().map(|part| part.points.filter(|(low, high)| low == high).map(|(low, _)| low));
        let highest = points.collect::<Option<Vec<i64>>>()?.into_iter().max()?;
        let any_single_3 = highest >= 3;
        let (risk, min_monitoring) = match total.low {
            7.. => ("high", "continuous"),
            5..=6 => ("medium", "1h"),
            1..=4 if any_single_3 => ("low_medium", "1h"),
            1..=4 => ("low", "4-6h"),
            _ => ("low", "12h"),
        };
        Some(Self { any_single_3, risk, min_monitoring })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::score::PartPoints;

    /// The rows of Chart 4, each edge of it, and what is no whole score.
    #[test]
    fn each_total_calls_for_what_the_chart_has() {
        let total = |points: &[Option<(i64, i64)>]| Total {
            low: points.iter().map(|part| part.map_or(0, |(low, _)| low)).sum(),
            high: points.iter().map(|part| part.map_or(3, |(_, high)| high)).sum(),
            parts: points
                .iter()
                .map(|points| PartPoints { name: "a part".to_owned(), points: *points, max: 3 })
                .collect(),
        };
        let known = |points: &[i64]| total(&points.iter().map(|points| Some((*points, *points))).collect::<Vec<_>>());
        let rows: [(&[i64], &str, &str); 9] = [
            (&[0, 0, 0], "low", "12h"),
            (&[1, 0, 0], "low", "4-6h"),
            (&[2, 2, 0], "low", "4-6h"),
            (&[3, 0, 0], "low_medium", "1h"),
            (&[3, 1, 0], "low_medium", "1h"),
            (&[2, 2, 1], "medium", "1h"),
            (&[3, 3, 0], "medium", "1h"),
            (&[3, 2, 2], "high", "continuous"),
            (&[2, 2, 2, 1], "high", "continuous"),
        ];
        for (points, risk, min_monitoring) in rows {
            let any_single_3 = points.contains(&3);
            let expected = Some(News2Response { any_single_3, risk, min_monitoring });
            assert_eq!(News2Response::to(&known(points)), expected, "{points:?}");
        }
        assert_eq!(News2Response::to(&total(&[Some((3, 3)), None])), None, "a part is missing");
        assert_eq!(News2Response::to(&total(&[Some((3, 3)), Some((0, 3))])), None, "a part is an interval");
        assert_eq!(News2Response::to(&total(&[])), None);
    }
}
