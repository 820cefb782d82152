//! `diff`: where two recorded runs part, or both side by side.

mod beside;

use std::path::{Path, PathBuf};

use leasehold_campaign::{Continuation, Parting, RejudgeError, TraceError, TraceReader, parting};
use leasehold_core::Event;
use leasehold_core::trace::{Footer, Header};
use serde_json::{Value, json};

use self::beside::Side;
use crate::args::Format;
use crate::check_trace::trace_at;
use crate::exit::Exit;
use crate::log::{heading, node_width, row};
use crate::names::Names;
use crate::page::Page;
use crate::refusal::finish;
use crate::words;

/// `diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
    0  the same events, and the same end; by time: the same verdict and violations
    1  they part; by time: they come to different things
    2  the command line is wrong, or a trace is damaged
   74  results could not be written")]
pub(crate) struct DiffArgs {
    /// A trace: what run --trace wrote, or the folder of a stored failure
    pub(crate) a: PathBuf,

    /// Another
    pub(crate) b: PathBuf,

    /// How many events to show before the first that differs, and behind it
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u16))]
    pub(crate) context: u16,

    /// How to compare them: event by event, or side by side by time, as for runs of two engines
    #[arg(long, value_enum, default_value_t = Align::ByEvent)]
    pub(crate) align: Align,

    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// How two runs are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Align {
    /// Up to the first event that is not the same
    ByEvent,
    /// The turning points of both, each beside its like, and what they came to
    ByTime,
}

/// Compares two recorded runs.
pub(crate) fn diff(args: &DiffArgs) -> Exit {
    match args.align {
        Align::ByEvent => by_event(args),
        Align::ByTime => by_time(args),
    }
}

/// Shows both side by side.
fn by_time(args: &DiffArgs) -> Exit {
    let read = |path: &Path| {
        let mut trace = TraceReader::open(&trace_at(path))?;
        let names = Names::new(trace.header().clone());
        let side = Side::read(&mut trace, &names)?;
        Ok::<_, RejudgeError>((names, side))
    };
    let ((names_of_a, a), (names_of_b, b)) = match read(&args.a).and_then(|a| Ok((a, read(&args.b)?))) {
        Ok(both) => both,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            return Exit::Usage;
        }
    };
    let (names, sides) = ([names_of_a, names_of_b], [a, b]);
    let headers = unlike(names.each_ref().map(Names::header));
    let mut page = Page::stdout();
    match args.format {
        Format::Human => {
            print_headers(&mut page, args, &headers);
            beside::print(&mut page, &sides);
        }
        Format::Json => {
            let mut object = beside::object(&sides);
            object["headers"] = told_headers(&headers);
            page.line(format_args!("{object:#}"));
        }
    }
    finish(page, if beside::agree(&sides) { Exit::Fine } else { Exit::Violated })
}

/// Finds the first event that is not the same in both.
fn by_event(args: &DiffArgs) -> Exit {
    let found = open(&args.a, &args.b).and_then(|mut traces| {
        let [a, b] = &mut traces;
        let parting = parting(a, b, usize::from(args.context))?;
        Ok((traces, parting))
    });
    let (traces, parting) = match found {
        Ok(found) => found,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            return Exit::Usage;
        }
    };
    let names = traces.each_ref().map(|trace| Names::new(trace.header().clone()));
    let headers = unlike(names.each_ref().map(Names::header));
    let mut page = Page::stdout();
    match args.format {
        Format::Human => print(&mut page, args, &names, &headers, parting.as_ref()),
        Format::Json => page.line(format_args!("{:#}", object(&names, &headers, parting.as_ref()))),
    }
    finish(page, if parting.is_some() { Exit::Violated } else { Exit::Fine })
}

fn open(a: &Path, b: &Path) -> Result<[TraceReader; 2], TraceError> {
    Ok([TraceReader::open(&trace_at(a))?, TraceReader::open(&trace_at(b))?])
}

/// Something that headers say, with what it is called.
type Facet<'f> = (&'static str, &'f dyn Fn(&Header) -> String);

/// One thing that the headers say differently, on either side.
struct Unlike {
    what: &'static str,
    sides: [String; 2],
}

fn unlike(headers: [&Header; 2]) -> Vec<Unlike> {
    let listed = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join("; ") };
    let nodes = |header: &Header| {
        let nodes: Vec<String> =
            header.nodes.iter().map(|node| format!("{} ({})", node.name, node.role.name())).collect();
        nodes.join(", ")
    };
    let facets: [Facet<'_>; 9] = [
        ("tool", &|header| header.tool.clone()),
        ("scenario", &|header| header.scenario.clone()),
        ("system", &|header| header.system.clone()),
        ("engine", &|header| header.engine.clone()),
        ("seed", &|header| header.seed.to_string()),
        ("nodes", &nodes),
        ("faults", &|header| listed(&header.faults)),
        ("commands", &|header| listed(&header.commands)),
        ("bounds", &|header| format!("{:?}", header.bounds)),
    ];
    let both = facets.into_iter().map(|(what, say)| Unlike { what, sides: headers.map(say) });
    both.filter(|unlike| unlike.sides[0] != unlike.sides[1]).collect()
}

fn print_headers(page: &mut Page, args: &DiffArgs, headers: &[Unlike]) {
    page.line(format_args!("A  {}", args.a.display()));
    page.line(format_args!("B  {}", args.b.display()));
    for Unlike { what, sides: [a, b] } in headers {
        page.line(format_args!("{what} differs:"));
        page.line(format_args!("    A  {a}"));
        page.line(format_args!("    B  {b}"));
    }
}

fn print(
    page: &mut Page,
    args: &DiffArgs,
    names: &[Names; 2],
    headers: &[Unlike],
    parting: Option<&Parting>,
) {
    print_headers(page, args, headers);
    let Some(parting) = parting else {
        page.line(format_args!("the same events, and the same end"));
        return;
    };
    let width = node_width(&names[0]).max(node_width(&names[1]));
    let said = |names: &Names, event: &Event| row(names, width, event, &words::happened(names, event));
    let place = match parting.lines {
        [a, b] if a == b => format!("line {a} of both"),
        [a, b] => format!("line {a} of A and line {b} of B"),
    };
    page.line(format_args!("they part at event {}, which is {place}\n", parting.number));
    page.line(format_args!("   {}", heading(width)));
    for event in &parting.before {
        page.line(format_args!("   {}", said(&names[0], event)));
    }
    for ((side, names), mark) in parting.sides.iter().zip(names).zip(["A", "B"]) {
        for event in &side.events {
            page.line(format_args!("{mark}  {}", said(names, event)));
        }
        if let Some(footer) = &side.footer {
            page.line(format_args!("{mark}  {:>11}  {}", footer.ended_at, ended(names, footer)));
        }
    }
    if let [Some(a), Some(b)] = parting.sides.each_ref().map(|side| side.events.first()) {
        page.line(format_args!("\nthe first differ in {}", differing(a, b).join(", ")));
    }
}

fn ended(names: &Names, footer: &Footer) -> String {
    format!("the run is over: {} (digest {})", words::run_end(names, &footer.end), footer.digest)
}

/// What is not the same about two events.
fn differing(a: &Event, b: &Event) -> Vec<&'static str> {
    let parts = [
        ("when", a.at != b.at),
        ("to whom", a.node != b.node),
        ("the reading of the clock", a.local != b.local),
        ("what happened", a.kind != b.kind),
    ];
    parts.into_iter().filter_map(|(what, differs)| differs.then_some(what)).collect()
}

fn told_headers(headers: &[Unlike]) -> Value {
    let told = headers.iter().map(|Unlike { what, sides: [a, b] }| json!({ "what": what, "a": a, "b": b }));
    told.collect()
}

fn object(names: &[Names; 2], headers: &[Unlike], parting: Option<&Parting>) -> Value {
    let told = |names: &Names, events: &[Event]| -> Vec<Value> {
        events.iter().map(|event| json!({ "event": event, "told": words::happened(names, event) })).collect()
    };
    let side = |names: &Names, side: &Continuation| json!({ "events": told(names, &side.events), "ends": side.footer });
    json!({
        "same": parting.is_none(),
        "headers": told_headers(headers),
        "event": parting.map(|parting| parting.number),
        "before": parting.map(|parting| told(&names[0], &parting.before)),
        "a": parting.map(|parting| side(&names[0], &parting.sides[0])),
        "b": parting.map(|parting| side(&names[1], &parting.sides[1])),
    })
}
