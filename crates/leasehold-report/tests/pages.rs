//! The pages, as whoever writes them into a folder gets them. They stay in `target/tmp/pages`, for the tests with a browser
//! and for people.

#[path = "pages/sample.rs"]
mod sample;
#[path = "pages/sweep.rs"]
mod sweep;

use std::path::PathBuf;

use leasehold_report::page::{study_html, study_md, sweep_html};
use leasehold_report::study::{Advice, Met, StudySummary};
use leasehold_report::sweep_page::Agreement;

fn kept(name: &str, text: &str) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).expect("the folder for tests can be written to");
    std::fs::write(folder.join(name), text).expect("the folder for tests can be written to");
}

fn page(name: &str, study: &StudySummary, baseline: Option<&StudySummary>) -> String {
    let html = study_html(study, baseline);
    kept(&format!("{name}.html"), &html);
    kept(&format!("{name}.md"), &study_md(study, baseline));
    html
}

#[test]
fn the_first_screen_says_what_to_take_and_how_sure_that_is() {
    let html = page("study", &sample::ttl_and_interval(), None);
    assert!(html.contains("Take ttl = 10s, renew = 3s"));
}

#[test]
fn the_predicted_curve_lies_over_the_distribution() {
    let html = page("study", &sample::ttl_and_interval(), None);
    let spread = html.split_once("id=\"spread-failover-crash").unwrap().1.split_once("</svg>").unwrap().0;
    assert!(spread.contains(">as predicted</text>"), "{spread}");
    // The mean, the bound, the curve, and what stands for it in the legend.
    assert_eq!(spread.matches("class=\"foreseen\"").count(), 4, "{spread}");
}

/// What a browser would see as text or as tags: no name may become a tag.
fn hostile(study: &mut StudySummary) {
    let evil = "</script><script>alert(1)</script>\"'&]]>\n<img src=x onerror=alert(2)>`|`--><!--";
    study.name = evil.to_owned();
    study.summary = evil.to_owned();
    study.scenario = evil.to_owned();
    study.command = evil.to_owned();
    study.objectives.push(evil.to_owned());
    for parameter in &mut study.parameters {
        parameter.name.push_str(evil);
        parameter.values.iter_mut().for_each(|value| value.push_str(evil));
    }
    for point in &mut study.points {
        point.objectives.push(Met::Missed);
        point.values.iter_mut().for_each(|value| value.push_str(evil));
        let predictions = point.figures.iter_mut().flat_map(|figure| &mut figure.predictions);
        predictions.for_each(|prediction| prediction.formula.push_str(evil));
    }
    let Advice::Take { because, .. } = &mut study.advice else { return };
    because.push(evil.to_owned());
}

#[test]
fn hostile_names_are_text() {
    let mut study = sample::ttl_and_interval();
    hostile(&mut study);
    let html = page("hostile", &study, Some(&study));
    assert_eq!(html.matches("<script").count(), 2, "the data and our own script, and no more");
    assert_eq!(html.matches("</script").count(), 2);
    assert!(!html.contains("<img") && !html.contains("<!--"));
    assert!(html.contains("&lt;script&gt;") || html.contains("&#60;script&#62;"));
    let data: serde_json::Value = serde_json::from_str(data_of(&html)).unwrap();
    assert_eq!(data["study"]["name"], study.name);
    // Between fences everything is text already.
    let markdown = study_md(&study, None);
    let is_fence = |line: &&str| line.starts_with("```");
    let outside = markdown.split_inclusive('\n').collect::<Vec<_>>();
    let outside = outside.split(|line| is_fence(line)).step_by(2).flatten().copied().collect::<String>();
    let markdown = outside;
    assert!(!markdown.contains("<img") && !markdown.contains("<script"), "{markdown}");
}

fn data_of(html: &str) -> &str {
    let (_, rest) =
        html.split_once("<script type=\"application/json\" id=\"data\">").expect("each page has its data");
    rest.split_once("</script>").expect("a script ends").0
}

#[test]
fn a_page_asks_nobody_and_is_small() {
    let study = sample::ttl_and_interval();
    let html = page("study", &study, None);
    assert!(html.len() < 1_000_000, "{} bytes for {} points", html.len(), study.points.len());
    for outside in ["http:", "https:", "url(", "@import", "src="] {
        let place = html.find(outside);
        assert!(place.is_none(), "{outside}: {}", &html[place.unwrap()..][..60]);
    }
    let back: StudySummary = serde_json::from_value(
        serde_json::from_str::<serde_json::Value>(data_of(&html)).unwrap()["study"].clone(),
    )
    .unwrap();
    assert_eq!(back.points.len(), study.points.len());
    assert_eq!(back.points[0].figures[3], study.points[0].figures[3]);
}

#[test]
fn every_picture_has_words_and_a_table_and_every_id_is_one_of_a_kind() {
    let html = page("study", &sample::ttl_and_interval(), None);
    let pictures = html.matches("<svg role=\"img\" aria-labelledby=").count();
    assert!(pictures >= 8, "{pictures}");
    assert_eq!(html.matches("<svg").count(), pictures);
    assert_eq!(html.matches("<title").count(), pictures + 1);
    assert_eq!(html.matches("<desc").count(), pictures);
    for figure in html.split("<figure>").skip(1) {
        let (figure, _) = figure.split_once("</figure>").unwrap();
        assert!(figure.contains("<table>") && figure.contains("<tbody>\n<tr>"), "{figure}");
    }
    let mut ids: Vec<&str> =
        html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn what_never_occurred_is_said_and_not_drawn() {
    let html = page("study", &sample::ttl_and_interval(), None);
    for metric in ["handover", "overlap"] {
        assert!(html.contains(&format!("{metric} never occurred, at no point.")), "{metric}");
        assert!(!html.contains(&format!("id=\"curves-{metric}")), "{metric}");
    }
    // No false expiry was seen at the recommended point: no number stands there but the most that it can be.
    assert!(html.contains("<strong>never</strong><span>at most "), "no such card");
}

#[test]
fn a_study_that_recommends_nothing_says_why() {
    let mut study = sample::ttl_and_interval();
    study.advice = Advice::NonePasses { obstacle: 0, nearest: 3, because: vec!["It is near.".to_owned()] };
    let html = page("none-passes", &study, None);
    assert!(
        html.contains("No point meets every objective; the obstacle is failover-crash.p99 &#60; 15s"),
        "{html}"
    );
    assert!(html.contains("The nearest point is ttl = 10s, renew = 1s"));
    study.advice = Advice::NotAsked;
    study.objectives.clear();
    study.points.iter_mut().for_each(|point| point.objectives.clear());
    study.default_point = None;
    let html = page("not-asked", &study, None);
    assert!(html.contains("10 of 30 points are beaten by no other"));
}

#[test]
fn what_is_best_where_is_a_table_with_the_sentences_above_it() {
    let study = sample::best_for_each_ttl();
    let html = page("each", &study, None);
    for part in [
        "What is best depends on ttl",
        "Under <code>ttl = 5s</code> this is best. Next is another.",
        "Nothing is good everywhere.",
        "What is best for each ttl, with what each number lies between",
        "<td>none; nearest a-policy-of-renewing-every-1s",
        "failover-crash.p99 +3.10\u{a0}s (+2.90 to +3.30)</td>",
        "What each policy lays over the scenario",
        "lease.renew = &#34;3s&#34;",
        "30 points are on the Pareto front: of those of which no run failed, no other point with the same ttl is better",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    // A picture of each value, and marks in each row of the maps, whose names are not cut.
    assert_eq!(html.matches("id=\"trade-failover-crash-p99-false-expiry-rate-").count(), 2 * 6, "{html}");
    let map =
        html.split_once("id=\"map-failover-crash-p99-title\"").unwrap().1.split_once("</svg>").unwrap().0;
    assert_eq!(map.matches("class=\"ring chosen\"").count(), 6, "{map}");
    let markdown = study_md(&study, None);
    assert!(markdown.contains("| ttl | best | failover-crash.p99 |"), "{markdown}");
}

#[test]
fn hostile_names_of_choices_are_text() {
    let mut study = sample::best_for_each_ttl();
    hostile(&mut study);
    let evil = "<img src=x onerror=alert(3)>";
    let values = study.parameters[0].values.clone();
    let Advice::Each(each) = &mut study.advice else { panic!() };
    each.headline.push_str(evil);
    each.everywhere.said.push_str(evil);
    for (value, name) in each.values.iter_mut().zip(values) {
        value.value = name;
    }
    for keys in &mut study.parameters[1].choices {
        keys.push(evil.to_owned());
    }
    let html = page("each-hostile", &study, None);
    assert!(!html.contains("<img"), "{html}");
    // In a block of code, where the command stands, nothing means anything.
    let markdown = study_md(&study, None);
    assert!(markdown.split("```").step_by(2).all(|text| !text.contains("<img")), "{markdown}");
}

#[test]
fn one_parameter_is_rows_and_three_are_the_first_two() {
    let one = sample::ttl_alone();
    let html = page("one", &one, None);
    assert!(html.contains("id=\"rows-failover-crash-p99-title\"") && !html.contains("id=\"map-"));
    // Where nothing was seen at any point there is a sentence, and no empty picture.
    assert!(html.contains("false-expiry never occurred, at no point. It is at most 0.533/day."), "{html}");
    assert!(!html.contains("id=\"rows-false-expiry"));
    let three = sample::three_parameters();
    let html = page("three", &three, None);
    assert!(html.contains("id=\"map-failover-crash-p99-title\""));
    assert!(html.contains("The maps show 30 of 60 points, those with sweep = 500ms"), "{html}");
}

#[test]
fn a_baseline_tells_better_from_worse_and_from_noise() {
    let (earlier, mut study) = (sample::ttl_and_interval(), sample::ttl_and_interval());
    let moved = |study: &mut StudySummary, point: usize, factor: f64| {
        let figure = &mut study.points[point].figures[0];
        for estimate in &mut figure.estimates {
            estimate.value *= factor;
            estimate.low = estimate.low.map(|low| low * factor);
            estimate.high = estimate.high.map(|high| high * factor);
        }
    };
    moved(&mut study, 0, 0.5);
    moved(&mut study, 1, 2.0);
    moved(&mut study, 2, 1.001);
    let html = page("baseline", &study, Some(&earlier));
    let section = html.split_once("id=\"comparison\"").unwrap().1;
    let row = section.split_once("failover-crash.p99</th>").unwrap().1.split_once("</tr>").unwrap().0;
    let cells: Vec<&str> =
        row.split('>').filter_map(|part| part.split_once('<')).map(|(text, _)| text).collect();
    let numbers: Vec<&str> = cells.into_iter().filter(|text| !text.is_empty()).collect();
    assert_eq!(numbers, ["1", "1", "1", "27", "0"], "worse, better, noise, the same, too few to say");
    assert!(section.contains(">worse</span>") && section.contains(">better</span>"));
    let same = page("same", &earlier, Some(&earlier));
    assert!(same.contains("Nothing got better and nothing worse"));
}

#[test]
fn a_baseline_with_other_values_is_compared_where_both_have_a_point_and_the_others_are_named() {
    let (mut earlier, study) = (sample::ttl_and_interval(), sample::ttl_and_interval());
    let all = study.points.len();
    assert!(!page("same", &study, Some(&earlier)).contains("compared with nothing"));
    earlier.points[1].values[0] = "999s".to_owned();
    let html = page("other-values", &study, Some(&earlier));
    let section = html.split_once("<section id=\"comparison\"").unwrap().1;
    for part in [
        format!("{} of {all} points are in both.", all - 1),
        format!("Only this run has 1 point, which is compared with nothing: {}.", study.label(1)),
        format!("Only the baseline has 1 point, which is compared with nothing: {}.", earlier.label(1)),
    ] {
        assert!(section.contains(&part), "{part}\n{section}");
    }
    earlier.points.truncate(1);
    let html = page("fewer-values", &study, Some(&earlier));
    assert!(
        html.contains(&format!("Only this run has {} points, which are compared with nothing: ", all - 1))
    );
    assert!(html.contains(&format!("; and {} more.", all - 1 - 12)) && !html.contains("Only the baseline"));
}

#[test]
fn markdown_has_the_same_tables() {
    let markdown = study_md(&sample::ttl_and_interval(), None);
    for part in [
        "# ttl-vs-interval\n",
        "**Take ttl = 10s, renew = 3s",
        "| failover-crash.p99 &lt; 15s |",
        "\n```\nleasehold tune scenarios/studies/ttl-vs-interval.toml --seeds 1000 --out reports/ttl\n```\n",
        "## The trade-off",
        "| ttl = 60s, renew = 13s",
    ] {
        assert!(markdown.contains(part), "{part}\n{markdown}");
    }
    let columns = |line: &str| line.matches('|').count() - line.matches("\\|").count();
    let lines: Vec<&str> = markdown.lines().collect();
    let tables = lines.split(|line| !line.starts_with('|')).filter(|table| !table.is_empty());
    for table in tables {
        assert!(table.iter().all(|line| columns(line) == columns(table[0])), "{table:?}");
    }
}

#[test]
fn a_sweep_says_what_failed_with_lines_to_copy_and_what_was_never_reached() {
    let html = sweep_html(&sweep::two_failures());
    kept("sweep.html", &html);
    for part in [
        "<h2 id=\"verdict-title\">1 scenario did not come to what is expected</h2>",
        "<code>leasehold replay failures/lease-fencing-accepted-older-token-of-holder</code>",
        "<span class=\"badge bad\">never</span>",
        "<span class=\"badge bad\">missed in lease</span>",
        "<span class=\"badge bad\">no: 12 runs failed; granted-from-queue was never reached</span>",
        "1 of 3 pairs of kinds were in effect",
        "It is not complete: 90 of 100 runs are there; interrupted.",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    let never = html.split_once("granted-from-queue</th>").unwrap().1;
    assert!(
        never.starts_with("<td class=\"number\" data-number=\"0\"><span class=\"badge bad\">never"),
        "{never}"
    );
}

#[test]
fn a_failure_of_a_sweep_leads_to_its_timeline() {
    let mut page = sweep::two_failures();
    page.failures[1].timeline = Some("failures/50% \"é\"/timeline.html".to_owned());
    let html = sweep_html(&page);
    for link in [
        "<a href=\"failures/lease-fencing-accepted-older-token-of-holder/timeline.html\">Who believed what",
        "<a href=\"failures/50%25%20%22%C3%A9%22/timeline.html\">Who believed what",
    ] {
        assert!(html.contains(link), "{link}\n{html}");
    }
    page.failures.iter_mut().for_each(|failure| failure.timeline = None);
    assert!(!sweep_html(&page).contains("its timeline"));
}

#[test]
fn what_the_other_engine_says_stands_on_the_page_disagreement_first() {
    let mut page = sweep::confirmed();
    let html = sweep_html(&page);
    kept("confirmed.html", &html);
    let section = html.split_once("<section id=\"confirmed\"").unwrap().1;
    let places = [
        "lease seed 5: pass on sim, exclusivity, of holder on turmoil.",
        "<code>leasehold run a --engine turmoil</code>",
        "<th scope=\"row\">lease seed 5</th>",
        "<span class=\"badge bad\">no</span>",
        "<th scope=\"row\">lease seed 3</th>",
        "<th scope=\"row\">lease seed 4</th>",
        "not expressible: torn writes",
    ]
    .map(|part| section.find(part).unwrap_or_else(|| panic!("{part}\n{section}")));
    assert!(places.is_sorted(), "{places:?}");
    assert!(
        html.contains(
            "Of 3 runs that turmoil was asked about, 1 came to the same verdict there, 1 to another"
        )
    );
    // Where nothing else is wrong, that is what is wrong.
    page.standing = "met".to_owned();
    assert!(sweep_html(&page).contains("<h2 id=\"verdict-title\">The two engines disagree on 1 run</h2>"));
    page.incomplete = None;
    page.confirmed.as_mut().unwrap().retain(|run| run.agreement == Agreement::Unknown);
    let html = sweep_html(&page);
    assert!(html.contains("<section id=\"verdict\" class=\"lead doubtful\""), "{html}");
    assert!(html.contains("Of 1 run that turmoil was asked about none could be compared"), "{html}");
    assert!(!sweep_html(&sweep::two_failures()).contains("id=\"confirmed\""), "nobody asked it");
}

#[test]
fn code_in_a_sentence_is_code_whatever_it_says() {
    let mut study = sample::ttl_and_interval();
    let Advice::Take { because, .. } = &mut study.advice else { panic!("the sample recommends a point") };
    because.push(
        "`failover.p99 < 15s` is met, `<img src=x onerror=alert(1)>` is code & `this is not".to_owned(),
    );
    let html = page("code", &study, None);
    let item = "<li><code>failover.p99 &#60; 15s</code> is met, \
                <code>&#60;img src=x onerror=alert(1)&#62;</code> is code &#38; `this is not</li>";
    assert!(html.contains(item), "{html}");
}

#[test]
fn hostile_names_of_a_sweep_are_text() {
    let evil = "</script><script>alert(1)</script>\"'&]]>\n<img src=x onerror=alert(2)>";
    let mut page = sweep::confirmed();
    page.failures[0].what.push_str(evil);
    page.failures[0].timeline = Some(evil.to_owned());
    for run in page.confirmed.iter_mut().flatten() {
        run.there.push_str(evil);
    }
    page.failures[0].lines[0].push_str(evil);
    page.scenarios[0].id.push_str(evil);
    page.command.push_str(evil);
    page.incomplete = Some(evil.to_owned());
    page.closest[0].line.push_str(evil);
    let html = sweep_html(&page);
    assert_eq!((html.matches("<script").count(), html.matches("<img").count()), (2, 0));
    let data: serde_json::Value = serde_json::from_str(data_of(&html)).unwrap();
    assert_eq!(data["command"], page.command);
}
