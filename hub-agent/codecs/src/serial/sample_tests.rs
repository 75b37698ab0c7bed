//! Streams second by second, and which of their records become readings. The worst streams are the sickest people's:
//! once a single unusable second in nine, or one record in six seconds, made the sampler silent for good.

use super::*;
use proptest::prelude::*;

const HOUR: i64 = 3_600;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_000_000 + second)
}

fn live(saturation: u16) -> Live {
    Live { saturation: Some(Decimal::from(saturation)), rate: Some(Decimal::from(70)), is_usable: true }
}

/// The seconds at which a stream of one record each `apart` seconds is picked, and why.
fn picks_each(apart: i64, stream: impl IntoIterator<Item = Live>) -> Vec<(i64, Picked)> {
    let mut sampler = Sampler::new();
    (0..).step_by(usize::try_from(apart).unwrap()).zip(stream).fold(Vec::new(), |mut picks, (second, live)| {
        picks.extend(sampler.hear(live, at(second)).map(|why| (second, why)));
        picks
    })
}

/// The same for one record a second.
fn picks(stream: impl IntoIterator<Item = Live>) -> Vec<(i64, Picked)> {
    picks_each(1, stream)
}

/// A stream that is usable in the seconds that `is_usable` says.
fn where_usable(saturation: u16, seconds: i64, is_usable: impl Fn(i64) -> bool) -> impl Iterator<Item = Live> {
    (0..seconds).map(move |second| if is_usable(second) { live(saturation) } else { Live::NOT_USABLE })
}

#[test]
fn a_steady_stream_gives_one_after_ten_seconds_and_then_one_a_minute() {
    let expected = [(10, Picked::First), (70, Picked::Regular), (130, Picked::Regular)];
    assert_eq!(picks((0..180).map(|_| live(97))), expected);
}

#[test]
fn a_stream_of_sixty_a_second_gives_no_more_and_counts_the_rest() {
    let mut sampler = Sampler::new();
    for tick in 0..60 * 71 {
        sampler.hear(live(97), at(0) + TimeDelta::milliseconds(tick * 1_000 / 60));
    }
    assert_eq!((sampler.picked(), sampler.not_picked()), (2, 60 * 71 - 2));
}

/// A weak pulse comes and goes: with half of the time usable, it is followed by the minute.
#[test]
fn a_stream_that_flickers_is_picked_like_a_steady_one() {
    for (why, usable, of) in [
        ("one second in nine is not", 8, 9),
        ("one second in three is not", 2, 3),
        ("every other second is not", 1, 2),
        ("five seconds in ten are not", 5, 10),
    ] {
        let picks = picks(where_usable(82, HOUR, |second| second % of < usable));
        assert_eq!(picks[0].1, Picked::First, "{why}");
        assert!(picks[0].0 <= 25 && picks.len() >= 55, "{why}: {picks:?}");
        assert!(picks[1..].iter().all(|(_, why)| *why == Picked::Regular), "{why}: {picks:?}");
    }
}

/// A stream has its own pace; above the stated limit it is doubtful, and still not silent.
#[test]
fn a_slow_stream_is_picked_at_its_own_pace() {
    for (apart, first, second) in [(2, 12, 72), (6, 18, 78), (12, 24, 84), (15, 30, 90)] {
        let picks = picks_each(apart, (0..HOUR / apart).map(|_| live(82)));
        assert_eq!(picks[0], (first, Picked::First), "one each {apart} s");
        assert_eq!(picks[1], (second, Picked::Regular), "one each {apart} s");
        assert!(picks.len() >= 45, "one each {apart} s: {picks:?}");
    }
    let broken = |second: i64| if second % 3 == 2 { Live::NOT_USABLE } else { live(82) };
    for apart in [6, 12] {
        let picks = picks_each(apart, (0..HOUR / apart).map(broken));
        assert!(picks.len() >= 40, "one each {apart} s, one in three not usable: {picks:?}");
    }
    for (apart, first) in [(16, 64), (30, 120), (60, 240), (600, 2_400)] {
        let picks = picks_each(apart, (0..10 * HOUR / apart).map(|_| live(82)));
        assert_eq!(picks[0], (first, Picked::Doubtful), "one each {apart} s");
        assert!(picks.len() >= 10 && picks.iter().all(|(_, why)| *why == Picked::Doubtful), "{apart}: {picks:?}");
    }
}

/// A radio hands over several records at once, each few seconds: that is one pace, and not two.
#[test]
fn records_that_come_in_bursts_are_a_stream() {
    let mut sampler = Sampler::new();
    let burst = |burst: i64| (0..5).map(move |_| burst * 5);
    let picked: Vec<i64> =
        (0..30).flat_map(burst).filter(|second| sampler.hear(live(97), at(*second)).is_some()).collect();
    assert_eq!(picked, [15, 75, 135]);
}

/// Where it is mostly not usable, a value that agrees with the few before it is picked now and then.
#[test]
fn a_stream_that_never_settles_is_picked_with_doubt() {
    for usable_in in [3, 6, 10, 29, 45, 70, 200] {
        let picks = picks(where_usable(82, HOUR, |second| second % usable_in == 0));
        let doubtful: Vec<_> = picks.iter().filter(|(_, why)| *why == Picked::Doubtful).map(|(at, _)| *at).collect();
        assert!(doubtful[0] <= 10 * usable_in.max(12), "usable in {usable_in}: {picks:?}");
        assert!(doubtful.windows(2).all(|pair| pair[1] - pair[0] >= 300), "usable in {usable_in}: {picks:?}");
        assert!(doubtful.len() >= 3, "usable in {usable_in}: {picks:?}");
        assert!(picks.len() <= 20, "usable in {usable_in}: {picks:?}");
    }
    assert_eq!(
        picks(where_usable(82, 361, |second| second % 6 == 0)),
        [60, 360].map(|second| (second, Picked::Doubtful))
    );
}

#[test]
fn a_stream_that_is_never_usable_says_so_and_once_an_hour_again() {
    let expected = [60, 3_660, 7_260].map(|second| (second, Picked::NoneUsable));
    assert_eq!(picks(where_usable(82, 3 * HOUR, |_| false)), expected);
    assert_eq!(picks_each(12, (0..60).map(|_| Live::NOT_USABLE)), [(60, Picked::NoneUsable)]);
    let nothing = Live { saturation: None, rate: None, is_usable: true };
    assert_eq!(picks((0..75).map(|_| nothing)), [(60, Picked::NoneUsable)]);
}

/// A minute of a finger, then the sensor on the table for a night: one after five minutes and one an hour.
#[test]
fn a_sensor_on_the_table_for_hours_does_not_flood() {
    let night = picks(where_usable(97, 12 * HOUR, |second| second < 61));
    assert_eq!(night[..3], [(10, Picked::First), (310, Picked::NoneUsable), (3_910, Picked::NoneUsable)]);
    assert_eq!(night.len(), 13);
    let short = picks(where_usable(97, 280, |second| second < 61));
    assert_eq!(short, [(10, Picked::First)], "nothing is said of a sensor that is put away within minutes");
    let late = picks(where_usable(97, HOUR, |second| (100..120).contains(&second)));
    assert_eq!(late, [(60, Picked::NoneUsable), (109, Picked::First), (409, Picked::NoneUsable)], "a spell anew");
    let touched = picks(where_usable(97, HOUR, |second| second % 600 < 3));
    assert!(touched.len() <= 12, "{touched:?}");
}

/// Hours in which the line was silent are no trying: three touches of some seconds give nothing.
#[test]
fn a_line_that_is_silent_adds_nothing() {
    let mut sampler = Sampler::new();
    for second in (0..3).flat_map(|hour| hour * HOUR..hour * HOUR + 5) {
        assert_eq!(sampler.hear(live(97), at(second)), None, "{second}");
    }
}

/// Without a checksum a flipped bit is a value (98 and 66 differ in one), and it may come just when a pick is due.
#[test]
fn a_flipped_bit_is_never_picked() {
    for apart in [1, 6, 12, 30] {
        for flipped in 0..150 {
            for wrong in [66, 102, 90, 34, 2] {
                let record = |number: i64| live(if number == flipped { wrong } else { 98 });
                let mut sampler = Sampler::new();
                for number in 0..150 {
                    let picked = sampler.hear(record(number), at(number * apart));
                    assert!(picked.is_none() || number != flipped, "{wrong} at {number}, each {apart} s");
                }
                assert!(sampler.picked() >= 3);
            }
        }
    }
    // The bit may be the rate's.
    let doubled = Live { rate: Some(Decimal::from(70 + 128)), ..live(98) };
    let picks = picks((0..80).map(|second| if second == 10 || second == 70 { doubled } else { live(98) }));
    assert_eq!(picks, [(11, Picked::First), (71, Picked::Regular)]);
}

/// Of sixty records a second, five that repeat one wrong number are not five witnesses.
#[test]
fn a_wrong_stretch_of_a_fast_stream_is_not_picked() {
    let mut sampler = Sampler::new();
    for tick in 0..60 * 12 {
        let is_wrong = (60 * 10 - 30..60 * 10 + 30).contains(&tick);
        let picked =
            sampler.hear(live(if is_wrong { 66 } else { 98 }), at(0) + TimeDelta::milliseconds(tick * 1_000 / 60));
        assert!(picked.is_none() || !is_wrong, "{tick}");
    }
    assert_eq!(sampler.picked(), 1);
}

#[test]
fn a_fall_of_four_points_that_lasts_five_seconds_is_picked_at_once() {
    let fall = (0..60).map(|second| live(if second < 20 { 97 } else { 93 }));
    assert_eq!(picks(fall), [(10, Picked::First), (25, Picked::Fall)]);
    let shallow = (0..60).map(|second| live(if second < 20 { 97 } else { 94 }));
    assert_eq!(picks(shallow), [(10, Picked::First)]);
    let short = (0..60).map(|second| live(if (20..25).contains(&second) { 85 } else { 97 }));
    assert_eq!(picks(short), [(10, Picked::First)]);
    let slow = (0..10).map(|record| live(if record < 4 { 97 } else { 85 }));
    assert_eq!(picks_each(12, slow), [(24, Picked::First), (72, Picked::Fall)], "three records that agree");
}

/// At a slow pace two low records last long enough and are not yet believed; one that has recovered is no fall.
#[test]
fn what_is_picked_for_a_fall_is_low() {
    let mut sampler = Sampler::new();
    let stream = [(0, 97), (12, 97), (24, 97), (36, 97), (48, 85), (60, 85), (60, 97), (72, 97)];
    let picked: Vec<_> =
        stream.iter().map(|(second, saturation)| sampler.hear(live(*saturation), at(*second))).collect();
    assert_eq!(picked.iter().flatten().collect::<Vec<_>>(), [&Picked::First]);
}

/// Saturation and rate both jump, so that no record is ever near its neighbours: it is told, after a minute more.
#[test]
fn a_stream_in_which_nothing_agrees_is_picked_in_the_end() {
    let wild = |second: u16| {
        let rate = Some(Decimal::from(60 + (second + 5) % 11 * 10));
        Live { rate, ..live(60 + second % 11 * 4) }
    };
    assert_eq!(picks((0..500).map(wild)), [120, 480].map(|second| (second, Picked::Doubtful)));
}

/// A person who falls low is restless: the fall is broken up by records that are not usable and by wrong ones.
#[test]
fn a_fall_that_motion_breaks_up_is_picked() {
    let fall =
        |low: fn(i64) -> Live| picks((0..70).map(move |second| if second < 20 { live(97) } else { low(second) }));
    let restless = fall(|second| if second % 2 == 0 { live(82) } else { Live::NOT_USABLE });
    assert_eq!(restless, [(10, Picked::First), (30, Picked::Fall)]);
    let very = fall(|second| if second % 4 == 0 { live(82) } else { Live::NOT_USABLE });
    assert_eq!(very, [(10, Picked::First), (40, Picked::Fall)]);
    let wrong_between = fall(|second| live(if second % 4 == 3 { 97 } else { 82 }));
    assert_eq!(wrong_between[1].1, Picked::Fall);
    assert!(wrong_between[1].0 <= 35, "{wrong_between:?}");
    let mostly_up = fall(|second| live(if second % 3 == 0 { 82 } else { 97 }));
    assert_eq!(mostly_up, [(10, Picked::First)], "what recovers takes away its own time");
}

/// A slow slide is followed down: each pick is the mark for the next.
#[test]
fn a_slide_is_followed_down() {
    let slide = (0..75).map(|second: u16| live(98 - second.saturating_sub(20) / 5));
    let picked = picks(slide);
    assert_eq!(picked.first(), Some(&(10, Picked::First)));
    assert_eq!(picked.iter().filter(|(_, why)| *why == Picked::Fall).count(), 2);
}

/// A break shorter than half a minute is one spell; after a longer one the next person does not wait for the minute of
/// the last, and is not measured against what the last had.
#[test]
fn a_new_spell_begins_anew() {
    let short = picks(where_usable(97, 120, |second| !(60..80).contains(&second)));
    assert_eq!(short, [(10, Picked::First), (89, Picked::Regular)]);
    let two = (0..90).map(|second| match second {
        0..15 => live(98),
        15..50 => Live::NOT_USABLE,
        _ => live(88),
    });
    assert_eq!(picks(two), [(10, Picked::First), (59, Picked::First)]);
    // What the last person's spell had tried in vain does not make the next one's first value due.
    let mut sampler = Sampler::new();
    let heard = (0..350).step_by(3).chain(1_000..1_020);
    let rare = |second: i64| if second < 350 && second % 9 != 0 { Live::NOT_USABLE } else { live(82) };
    let picked: Vec<_> = heard.filter(|second| sampler.hear(rare(*second), at(*second)).is_some()).collect();
    assert_eq!(picked, [63, 1_010]);
    let mut sampler = Sampler::new();
    let heard = (0..15).chain(8 * HOUR..8 * HOUR + 20);
    let silent: Vec<_> = heard.filter(|second| sampler.hear(live(97), at(*second)).is_some()).collect();
    assert_eq!(silent, [10, 8 * HOUR + 10], "a night in which the line was silent");
}

#[test]
fn a_clock_set_back_does_not_silence_the_stream_until_it_has_caught_up() {
    let mut sampler = Sampler::new();
    let heard = (0..75).chain(-100..-80);
    let picked: Vec<_> = heard.filter(|second| sampler.hear(live(97), at(*second)).is_some()).collect();
    assert_eq!(picked, [10, 70, -90]);
    assert_eq!(sampler.picked() + sampler.not_picked(), 95);
}

#[test]
fn a_heart_rate_strap_is_sampled_by_its_rate_alone() {
    let strap = |rate: u16| Live { saturation: None, rate: Some(Decimal::from(rate)), is_usable: true };
    assert_eq!(picks((0..75).map(|_| strap(70))), [(10, Picked::First), (70, Picked::Regular)]);
    let wrong = (0..15).map(|second| strap(if second == 10 { 198 } else { 70 }));
    assert_eq!(picks(wrong), [(11, Picked::First)]);
    // A rate that no two records agree on, as of a heart that flutters, is still told.
    let irregular = (0..400_u16).map(|second| strap(60 + second * 37 % 101));
    assert!(picks(irregular).len() >= 4);
}

/// A stream as it may come: how long after the last, whether usable, and its saturation.
fn any_stream() -> impl Strategy<Value = Vec<(i64, bool, u16)>> {
    let pace = prop_oneof![Just(17_i64), Just(333), Just(1_000), Just(6_000), Just(12_000), Just(40_000)];
    (pace, 0.0..1.0_f64, prop_oneof![Just(1_u16), Just(4), Just(41)]).prop_flat_map(|(pace, share, spread)| {
        let record = (pace / 2..=pace * 2, proptest::bool::weighted(share), 60..60 + spread);
        proptest::collection::vec(record, 0..400)
    })
}

/// A stream that is heard every `pace` seconds, and usable in each `every`-th record at least.
fn stream_with_values() -> impl Strategy<Value = (i64, usize, Vec<(bool, u16)>)> {
    let records = proptest::collection::vec((any::<bool>(), 60_u16..101), 1_200..1_500);
    (1_i64..=15, 1_usize..=60, records)
        .prop_filter("once in a minute and a half", |(pace, every, _)| *pace * i64::try_from(*every).unwrap() <= 90)
}

proptest! {
    /// Whatever comes: a pick is the record just heard and says rightly whether it is usable; all records are counted;
    /// and picks are bounded by time: values half a minute apart but for falls, falls five seconds, doubtful ones five
    /// minutes, and one "nothing usable" an hour between values.
    #[test]
    fn picks_are_bounded_by_time(stream in any_stream()) {
        let mut sampler = Sampler::new();
        let mut now = at(0);
        let (mut last_value, mut last_doubtful, mut last_none) = (None, None, None);
        for (apart, is_usable, saturation) in &stream {
            now += TimeDelta::milliseconds(*apart);
            let least = |last: Option<DateTime<Utc>>, apart| last.is_none_or(|last| now - last >= apart);
            match sampler.hear(Live { is_usable: *is_usable, ..live(*saturation) }, now) {
                None => continue,
                Some(Picked::NoneUsable) => {
                    prop_assert!(!is_usable);
                    prop_assert!(least(last_value, DOUBTFUL_EVERY) && least(last_none, NONE_USABLE_EVERY));
                    last_none = Some(now);
                    continue;
                }
                Some(Picked::Fall) => prop_assert!(least(last_value, FALL_HELD_FOR)),
                Some(Picked::First) => prop_assert!(least(last_value, SPELL_ENDS_AFTER)),
                Some(Picked::Regular) => prop_assert!(least(last_value, EVERY)),
                Some(Picked::Doubtful) => {
                    prop_assert!(least(last_value, TRY_FOR) && least(last_doubtful, DOUBTFUL_EVERY));
                    last_doubtful = Some(now);
                }
            }
            prop_assert!(is_usable);
            (last_value, last_none) = (Some(now), None);
        }
        prop_assert_eq!(sampler.picked() + sampler.not_picked(), u64::try_from(stream.len()).unwrap());
    }

    /// A value now and then, once in a minute and a half at least, however wild, for twenty minutes: one is picked.
    #[test]
    fn a_stream_with_values_is_never_silent((pace, every, records) in stream_with_values()) {
        let stream = records.iter().enumerate().map(|(number, (is_usable, saturation))| {
            if *is_usable || number % every == 0 { live(*saturation) } else { Live::NOT_USABLE }
        });
        let picks = picks_each(pace, stream);
        prop_assert!(picks.iter().any(|(_, why)| *why != Picked::NoneUsable), "{:?}", picks);
    }
}
