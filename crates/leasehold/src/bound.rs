//! `bound`: the inequalities behind a scenario's design, with its numbers.

use anstyle::{AnsiColor, Style};
use leasehold_core::{Bounds, DiscoveryBounds, Inequality, Reckoning, Span, Sum, Warning};
use leasehold_scenario::{Engine, Scenario, System, Variant};
use serde_json::{Value, json};

use crate::args::{BoundArgs, Format};
use crate::engines::engine_for;
use crate::exit::Exit;
use crate::page::{Page, styled};
use crate::refusal::{finish, load, refuse};
use crate::words::grouped;

const TITLE: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBTFUL: Style = AnsiColor::Yellow.on_default().bold();

const LEFT: &str = "margin left";
const EXCEEDED: &str = "EXCEEDED by";

/// Shows the bounds of a scenario. That one does not hold is information, not an error.
pub(crate) fn bound(args: &BoundArgs, systems: &[&dyn System]) -> Exit {
    let variant = if args.safe { Variant::Safe } else { Variant::AsWritten };
    let scenario = match load(&args.scenario, &args.overlays, variant, systems) {
        Ok(scenario) => scenario,
        Err(error) => return refuse(&error),
    };
    let engine = engine_for(args.engine, &scenario);
    let mut page = Page::stdout();
    match args.format {
        Format::Human => print(&mut page, &scenario, variant, engine),
        Format::Json => page.line(format_args!("{:#}", object(&scenario, variant, engine))),
    }
    finish(page, Exit::Fine)
}

fn print(page: &mut Page, scenario: &Scenario, variant: Variant, engine: Engine) {
    let which = match variant {
        Variant::AsWritten => "",
        Variant::Safe => ", the safe variant",
    };
    page.line(format_args!("{}{which}: {}", scenario.name, scenario.summary));
    let widenings = scenario.widenings(engine);
    match scenario.reckoning() {
        Some(mut reckoning) => {
            reckoning.inequalities.extend(widenings);
            let about = "seconds of true time, cut to microseconds, unless a line says otherwise; symbols as in docs/timing.md";
            page.line(format_args!("{about}"));
            print_reckoning(page, &reckoning);
            if let Some(discovery) = &scenario.bounds(engine).discovery {
                print_discovery(page, discovery);
            }
            print_warnings(page, &reckoning.warnings);
        }
        None => {
            let system = &scenario.system;
            page.line(format_args!(
                "the system {system} does not say how its bounds come about; these they are"
            ));
            page.line(format_args!(""));
            print_bounds(page, &scenario.bounds(engine));
            print_warnings(page, &scenario.broken_assumptions());
        }
    }
}

fn print_reckoning(page: &mut Page, reckoning: &Reckoning) {
    let sums = reckoning.inequalities.iter().flat_map(|i| [Some(&i.left), i.right.as_ref()]).flatten();
    let symbols = sums.flat_map(|sum| &sum.terms).map(|term| term.symbol.chars().count());
    // A margin stands two places further left than a term.
    let width = (symbols.max().unwrap_or(0) + 2).max(EXCEEDED.len());
    for inequality in &reckoning.inequalities {
        page.line(format_args!(""));
        page.line(format_args!("{}", styled(TITLE, inequality.name)));
        page.line(format_args!("  {}", inequality.formula));
        print_inequality(page, inequality, width);
    }
}

fn print_inequality(page: &mut Page, inequality: &Inequality, width: usize) {
    let Inequality { left, right, notes, .. } = inequality;
    print_sum(page, left, width);
    if let (Some(right), Some(margin)) = (right, inequality.margin()) {
        print_sum(page, right, width);
        let (word, style) = if margin < 0 { (EXCEEDED, BAD) } else { (LEFT, GOOD) };
        let nanos = u64::try_from(margin.unsigned_abs()).unwrap_or(u64::MAX);
        let line = format!("{word:width$}  {}", seconds(Span::from_nanos(nanos)));
        page.line(format_args!("    {}", styled(style, line)));
    }
    for note in notes {
        page.line(format_args!("    - {note}"));
    }
}

fn print_sum(page: &mut Page, sum: &Sum, width: usize) {
    page.line(format_args!("    {}", sum.what));
    for term in &sum.terms {
        let value = seconds(term.value);
        page.line(format_args!("      {:width$}  {value}  {}", term.symbol, term.what, width = width - 2));
    }
    if sum.terms.len() > 1 {
        let total = format!("{:width$}  {}", "total", seconds(sum.total), width = width - 2);
        page.line(format_args!("      {}", styled(TITLE, total)));
    }
}

fn print_warnings(page: &mut Page, warnings: &[Warning]) {
    page.line(format_args!(""));
    if warnings.is_empty() {
        page.line(format_args!("{}  none", styled(TITLE, "warnings")));
        return;
    }
    page.line(format_args!("{}", styled(TITLE, "warnings")));
    for (index, Warning { text, help }) in warnings.iter().enumerate() {
        page.line(format_args!("  {}. {}", index + 1, styled(DOUBTFUL, text)));
        if let Some(help) = help {
            page.line(format_args!("     mend it: {help}"));
        }
    }
}

fn print_bounds(page: &mut Page, bounds: &Bounds) {
    let Bounds { clock_rate, delay, end_slack, extensions, regrant, longest_ttl, lock_delay, discovery } =
        *bounds;
    let rate = clock_rate.to_string();
    page.line(format_args!("  ρ           {rate:>16}  how far a clock's rate may be off"));
    for (symbol, value, what) in [
        ("d⁺", delay, "the longest delay of a message on a healthy link"),
        ("T", longest_ttl, "the longest TTL, on the grantor's clock"),
        ("T/(1+ρ)", bounds.earliest_end(longest_ttl), "a lease lives at least so long"),
        ("T/(1−ρ)+s", bounds.latest_end(longest_ttl), "it is gone after so long"),
        ("s", end_slack, "of which this is after its term"),
        ("Λ", lock_delay, "the lock-delay"),
        ("re-grant", regrant, "a resource is claimed again so long after all is healed"),
    ] {
        page.line(format_args!("  {symbol:10}  {}  {what}", seconds(value)));
    }
    if let Some(most) = extensions {
        let what = "so many restarts in a row may put the end of a lease off";
        page.line(format_args!("  {:10}  {most:>16}  {what}", "restarts"));
    }
    if let Some(discovery) = &discovery {
        print_discovery(page, discovery);
    }
}

/// What a registry and the views of it are judged by: the least of the second hop's bounds whose preconditions hold.
fn print_discovery(page: &mut Page, bounds: &DiscoveryBounds) {
    page.line(format_args!(""));
    page.line(format_args!("{}", styled(TITLE, "judged by")));
    let spans = [
        ("D", Some(bounds.heartbeat_delay), "a heartbeat is counted after so long at the latest"),
        ("A", Some(bounds.exclusion), "hop one: a dead instance is listed by the registry so long"),
        ("", Some(bounds.deregistration), "hop one, asked: the same after it asked to be deregistered"),
        ("W", bounds.watch, "hop two, if the watch is healthy"),
        ("K_w + R + W", bounds.dead_watch, "hop two, if the watch died silently"),
        ("cache", bounds.cache, "hop two, whatever happens to the network"),
        ("together", together(bounds), "hop one and the least of hop two that always holds"),
        ("visibility", Some(bounds.visibility), "a healthy view shows a new instance after so long"),
        ("progress", bounds.progress, "an instance whose work stands still has its lease so long"),
        ("G", Some(bounds.envelope.pause), "a process may stand still so long"),
    ];
    for (symbol, value, what) in spans {
        let value = value.map_or_else(|| format!("{:>16}", "no bound"), seconds);
        page.line(format_args!("  {symbol:11}  {value}  {what}"));
    }
    let lost = bounds.envelope.lost_in_a_row;
    let mut counts = vec![
        ("k", grouped(lost.into()), "heartbeats in a row may be lost"),
        (
            "",
            grouped(bounds.envelope.probes_lost_in_a_row.into()),
            "probes in a row may be lost, where it probes",
        ),
        ("", grouped(bounds.envelope.budget.into()), "leases of live instances may expire nevertheless"),
    ];
    if let Some(load) = bounds.load {
        counts.push(("load", grouped(load.into()), "registrations and heartbeats arrive a second at most"));
    }
    for (symbol, value, what) in counts {
        page.line(format_args!("  {symbol:11}  {value:>16}  {what}"));
    }
    if let Some(cap) = &bounds.mass {
        let share = format!("{}.{:04} %", cap.share_ppm / 10_000, cap.share_ppm % 10_000);
        let share = share.replace(".0000", "");
        let most =
            format!("of live leases may expire within {}, and {} in any case", cap.window, cap.at_least);
        page.line(format_args!("  {:11}  {share:>16}  {most}", ""));
    }
}

/// What a user of a view can rely on, whatever happens to the network.
fn together(bounds: &DiscoveryBounds) -> Option<Span> {
    Some(bounds.exclusion.saturating_add(bounds.cache?))
}

/// Seconds with six decimals, cut, so that decimal points stand below each other.
fn seconds(span: Span) -> String {
    let micros = span.as_nanos() / 1_000;
    format!("{:>9}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// The same for programs. Its fields are stable; new ones may be added.
fn object(scenario: &Scenario, variant: Variant, engine: Engine) -> Value {
    let bounds = scenario.bounds(engine);
    let reckoning = scenario.reckoning();
    let warnings = match &reckoning {
        Some(reckoning) => reckoning.warnings.clone(),
        None => scenario.broken_assumptions(),
    };
    let inequalities = reckoning.map(|r| r.inequalities.iter().map(inequality).collect::<Vec<_>>());
    let widenings = scenario.widenings(engine);
    json!({
        "scenario": scenario.name,
        "system": scenario.system,
        "variant": match variant {
            Variant::AsWritten => "as-written",
            Variant::Safe => "safe",
        },
        "bounds": {
            "clock_rate_ppb": bounds.clock_rate.as_ppb(),
            "delay_ns": bounds.delay,
            "end_slack_ns": bounds.end_slack,
            "regrant_ns": bounds.regrant,
            "longest_ttl_ns": bounds.longest_ttl,
            "lock_delay_ns": bounds.lock_delay,
            "discovery": bounds.discovery.as_ref().map(discovery),
        },
        "engine": engine.name(),
        "inequalities": inequalities,
        "widened": widenings.iter().map(inequality).collect::<Vec<_>>(),
        "warnings": warnings,
    })
}

fn discovery(bounds: &DiscoveryBounds) -> Value {
    json!({
        "heartbeat_delay_ns": bounds.heartbeat_delay,
        "exclusion_ns": bounds.exclusion,
        "deregistration_ns": bounds.deregistration,
        "watch_ns": bounds.watch,
        "dead_watch_ns": bounds.dead_watch,
        "cache_ns": bounds.cache,
        "staleness_ns": together(bounds),
        "visibility_ns": bounds.visibility,
        "progress_ns": bounds.progress,
        "load_per_second": bounds.load,
        "mass_expiry": bounds.mass.map(|cap| json!({
            "window_ns": cap.window,
            "share_ppm": cap.share_ppm,
            "at_least": cap.at_least,
        })),
        "envelope": {
            "lost_in_a_row": bounds.envelope.lost_in_a_row,
            "probes_lost_in_a_row": bounds.envelope.probes_lost_in_a_row,
            "probes_within_ns": bounds.envelope.probes_within,
            "pause_ns": bounds.envelope.pause,
            "budget": bounds.envelope.budget,
        },
    })
}

fn inequality(inequality: &Inequality) -> Value {
    let sum = |sum: &Sum| {
        let terms: Vec<Value> = sum
            .terms
            .iter()
            .map(|term| json!({ "symbol": term.symbol, "what": term.what, "value_ns": term.value }))
            .collect();
        json!({ "what": sum.what, "terms": terms, "total_ns": sum.total })
    };
    let margin = inequality.margin();
    json!({
        "name": inequality.name,
        "formula": inequality.formula,
        "left": sum(&inequality.left),
        "right": inequality.right.as_ref().map(sum),
        "margin_ns": margin.map(|nanos| i64::try_from(nanos).unwrap_or(i64::MIN)),
        "holds": margin.map(|nanos| nanos >= 0),
        "notes": inequality.notes,
    })
}
