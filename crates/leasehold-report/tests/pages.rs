//! The pages, as whoever writes them into a folder gets them. They stay in `target/tmp/pages`, for the tests with a browser
//! and for people.

#[path = "pages/sample.rs"]
mod sample;

use std::path::PathBuf;

use leasehold_report::page::{study_html, study_md};
use leasehold_report::study::StudySummary;

fn kept(name: &str, text: &str) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
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
