use super::*;
use leasehold_core::plan::{Chance, Latency};
use leasehold_core::{Drift, RateError, Span};
use proptest::prelude::*;
use serde::Deserialize;
use toml::de::ValueDeserializer;

fn read<'de, T: Deserialize<'de>>(toml: &'de str) -> Result<T, String> {
    let value = ValueDeserializer::parse(toml).expect("the test writes TOML");
    T::deserialize(value).map_err(|error| error.message().to_owned())
}

#[test]
fn durations_are_exact() {
    let nanos = |text: &str| read::<Length>(text).map(|length| length.0.as_nanos());
    for (text, expected) in [
        (r#""10s""#, 10_000_000_000),
        (r#""500ms""#, 500_000_000),
        (r#""1.5s""#, 1_500_000_000),
        (r#""1m30s""#, 90_000_000_000),
        (r#"" 1m 30s ""#, 90_000_000_000),
        (r#""10 s""#, 10_000_000_000),
        (r#""2h""#, 7_200_000_000_000),
        (r#""1d""#, 86_400_000_000_000),
        (r#""250us""#, 250_000),
        (r#""250µs""#, 250_000),
        (r#""40ns""#, 40),
        (r#""0s""#, 0),
        (r#""0.000000001s""#, 1),
        (r#""00000000000000000000000001s""#, 1_000_000_000),
        (r#""366d""#, LONGEST.as_nanos()),
    ] {
        assert_eq!(nanos(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_duration_says_why_and_what_to_write() {
    for (text, expected) in [
        (
            r#""-3s""#,
            "expected a duration such as \"10s\" or \"1m 30s\", found \"-3s\": a duration is never negative\nleave out the sign: \"3s\"",
        ),
        (r#""+3s""#, "a duration has no sign\nwrite \"3s\""),
        ("10", "found the number 10: it has no unit\nwrite \"10s\" for 10 seconds"),
        ("-10", "write \"10s\" for 10 seconds"),
        ("1.5", "found the number 1.5: it has no unit\nwrite \"1.5s\""),
        (r#""10""#, "a unit is missing\nwrite \"10s\""),
        (r#""1m 30""#, "a unit is missing\nthe units are d, h, m, s, ms, us and ns"),
        (r#""""#, "there is nothing in it"),
        (r#""ten seconds""#, "a number should stand where there is 't'"),
        (r#""10x""#, "\"x\" is not a unit of time"),
        (r#""10S""#, "\"S\" is not a unit of time"),
        (r#""1.s""#, "a digit should follow the decimal point"),
        (r#""0.5ns""#, "finer than a nanosecond"),
        (r#""30s 1m""#, "units go from long to short"),
        (r#""1s 1s""#, "units go from long to short"),
        (r#""367d""#, "more than 366 days"),
        (r#""366d 1ns""#, "more than 366 days"),
        (r#""99999999999999999999d""#, "more than 366 days"),
        (r#""999999999999999999999999999s""#, "at most 20 digits"),
        (r#""1e9s""#, "\"e\" is not a unit of time"),
        ("true", "invalid type: boolean `true`, expected a duration"),
    ] {
        let message = read::<Length>(text).expect_err(text);
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn offsets_have_a_sign() {
    assert_eq!(read(r#""+3s""#), Ok(Offset(3_000_000_000)));
    assert_eq!(read(r#""-3s""#), Ok(Offset(-3_000_000_000)));
    assert_eq!(read(r#""250ms""#), Ok(Offset(250_000_000)));
    assert!(read::<Offset>(r#""--3s""#).is_err());
    assert!(read::<Offset>("3").unwrap_err().contains("write \"+3s\""));
    assert!(read::<Offset>("-3").unwrap_err().contains("write \"-3s\""));
}

#[test]
fn ratios_are_exact_and_stay_in_range() {
    let chance = |text: &str| read::<Percent>(text).map(|percent| percent.0.as_ppm());
    assert_eq!(chance(r#""0.1%""#), Ok(1_000));
    assert_eq!(chance(r#""30%""#), Ok(300_000));
    assert_eq!(chance(r#""100%""#), Ok(1_000_000));
    assert_eq!(chance(r#""250ppm""#), Ok(250));
    assert_eq!(read(r#""0%""#), Ok(Percent(Chance::NEVER)));
    for (text, expected) in [
        (r#""100.0001%""#, "more than 100%"),
        (r#""-1%""#, "never negative"),
        (r#""0.00001%""#, "finer than one in a million"),
        (r#""30""#, "it has no unit\nwrite \"30%\""),
        ("0.3", "found the number 0.3: it has no unit\nwrite \"30%\" for a part of 0.3, or \"0.3%\""),
        ("0.07", "write \"7%\" for a part of 0.07, or \"0.07%\""),
        ("30", "found the number 30: it has no unit\nwrite \"30%\""),
        (r#""30 percent""#, "the units are %, ppm and ppb"),
        (r#""99999999999999999999%""#, "more than 100%"),
    ] {
        let message = chance(text).expect_err(text);
        assert!(message.contains(expected), "{text}: {message}");
    }

    let stretch = |text: &str| read::<Stretch>(text).map(|stretch| stretch.ppm);
    assert_eq!(stretch(r#""120%""#), Ok(1_200_000));
    assert_eq!(stretch(r#""1000%""#), Ok(10_000_000));
    assert!(stretch(r#""1001%""#).unwrap_err().contains("write \"1000%\" or less"));
    assert!(stretch(r#""-1%""#).unwrap_err().contains("never cut short"));
    assert!(stretch("120").unwrap_err().contains("write \"120%\""));

    let rate = |text: &str| read::<Rate>(text).map(|rate| rate.0.as_ppb());
    assert_eq!(rate(r#""+500ppm""#), Ok(500_000));
    assert_eq!(rate(r#""-20%""#), Ok(-200_000_000));
    assert_eq!(rate(r#""500ppb""#), Ok(500));
    assert_eq!(read(r#""-90%""#), Ok(Rate(RateError::MIN)));
    assert!(rate(r#""-91%""#).unwrap_err().contains("between -90% and +100000%"));
    assert!(rate("500").unwrap_err().contains("write \"500ppm\""));

    let bound = |text: &str| read::<Bound>(text).map(|bound| bound.0.as_ppb());
    assert_eq!(bound(r#""500ppm""#), Ok(500_000));
    assert_eq!(bound(r#""1%""#), Ok(10_000_000));
    assert_eq!(read(r#""50%""#), Ok(Bound(Drift::MAX)));
    assert!(bound(r#""50.1%""#).unwrap_err().contains("more than 50%"));
    assert!(bound(r#""±1%""#).unwrap_err().contains("leave out the sign: \"1%\""));
}

#[test]
fn shares_follow_the_ttl() {
    let ttl = Span::from_secs(10);
    for (text, millis) in
        [("3s", 3_000), ("ttl", 10_000), ("ttl/4", 2_500), ("ttl*3/4", 7_500), (" ttl * 3 / 4 ", 7_500)]
    {
        let quoted = format!("{text:?}");
        assert_eq!(read::<Share>(&quoted).unwrap().of(ttl), Span::from_millis(millis), "{text}");
    }
    assert_eq!(read(r#""ttl/3""#), Ok(Share::OfTtl { numerator: 1, denominator: 3 }));
    for (text, expected) in [
        (r#""ttl/0""#, "at least 1"),
        (r#""ttl*0/3""#, "at least 1"),
        (r#""ttl/-3""#, "written ttl/N or ttl*A/B"),
        (r#""ttl/+3""#, "written ttl/N or ttl*A/B"),
        (r#""ttl*2""#, "written ttl/N or ttl*A/B"),
        (r#""2*ttl/3""#, "for example \"ttl/3\" or \"ttl*2/3\""),
        (r#""TTL/3""#, "written ttl/N"),
        (r#""ttls""#, "written ttl/N"),
        (r#""-1s""#, "never negative"),
        ("3", "write \"3s\""),
    ] {
        let message = read::<Share>(text).expect_err(text);
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn latencies_come_in_three_shapes() {
    let ms = Span::from_millis;
    let latency = |text| read::<LatencyTable>(text).map(|table| table.0);
    assert_eq!(latency(r#""2ms""#), Ok(Latency::Constant(ms(2))));
    assert_eq!(latency(r#"{ min = "1ms", max = "5ms" }"#), Ok(Latency::Uniform { min: ms(1), max: ms(5) }));
    assert_eq!(
        latency(r#"{ median = "2ms", p99 = "20ms", max = "1s" }"#),
        Ok(Latency::LogNormal { median: ms(2), p99: ms(20), max: Span::from_secs(1) })
    );
    // 2 ms * 10^(4.753424 / 2.326348) = 220.968 ms.
    let longest = latency(r#"{ median = "2ms", p99 = "20ms" }"#).unwrap().longest();
    assert_eq!(longest, Span::from_micros(220_968));
}

#[test]
fn impossible_latencies_say_what_contradicts_what() {
    for (text, expected) in [
        (r#"{ min = "5ms", max = "1ms" }"#, "`min` is 5ms and `max` only 1ms\nswap the two"),
        (r#"{ median = "2ms", p99 = "2ms" }"#, "`p99` is 2ms, not above the `median` of 2ms"),
        (r#"{ median = "2ms", p99 = "9ms", max = "8ms" }"#, "`max` is 8ms, below the `p99` of 9ms"),
        (r#"{ median = "0s", p99 = "9ms" }"#, "latency = \"0s\""),
        (r#"{ median = "1ns", p99 = "366d" }"#, "say where it ends with `max`"),
        (r#"{ median = "2ms" }"#, "expected `min` and `max`, or `median` and `p99`, found median"),
        (r#"{ }"#, "found neither"),
        (r#"{ median = "2ms", p98 = "9ms" }"#, "unknown field `p98`"),
        (r#"{ median = "2ms", p99 = 9 }"#, "found the number 9"),
        ("2", "write \"2s\""),
        ("[]", "invalid type: sequence"),
    ] {
        let message = read::<LatencyTable>(text).expect_err(text);
        assert!(message.contains(expected), "{text}: {message}");
    }
}

proptest! {
    #[test]
    fn what_a_span_shows_is_read_back(nanos in 0..=LONGEST.as_nanos()) {
        let whole = Span::from_nanos(nanos / 1_000_000 * 1_000_000);
        prop_assert_eq!(Length::from_text(&whole.to_string()), Ok(Length(whole)));
        let exact = format!("{nanos}ns");
        prop_assert_eq!(Length::from_text(&exact).map(|l| l.0.as_nanos()), Ok(nanos));
    }

    #[test]
    fn no_text_makes_a_value_panic(text in "\\PC*|[-+]?[0-9]{0,30}\\.?[0-9]{0,30}[a-z%µ]{0,4}|ttl[*/ 0-9]{0,12}") {
        let _ = Length::from_text(&text);
        let _ = Offset::from_text(&text);
        let _ = Percent::from_text(&text);
        let _ = Rate::from_text(&text);
        let _ = Bound::from_text(&text);
        let _ = Share::from_text(&text);
    }
}

#[test]
fn what_is_no_number_is_not_given_a_unit() {
    for (text, shown) in [("inf", "inf"), ("-inf", "-inf"), ("nan", "NaN")] {
        let message = read::<Length>(text).expect_err(text);
        assert!(message.ends_with(&format!("found the number {shown}")), "{message}");
    }
}

#[test]
fn whole_numbers_have_limits() {
    let read = read::<Whole<1, 400>>;
    assert_eq!(read("1"), Ok(Whole(1)));
    assert_eq!(read("400"), Ok(Whole(400)));
    for wrong in ["0", "401", "-3", "99999999999999999999", "3.0", "\"3\"", "true"] {
        let message = read(wrong).expect_err(wrong);
        assert!(message.contains("expected 1 to 400"), "{message}");
    }
}
