use super::*;
use crate::Scenario;
use crate::toy::Toy;

const TEXT: &str = "schema = 1\nname = \"x\"\nsummary = \"s\"\n[lease]\nttl = \"10s\"\n";

fn shown(path: &Path) -> String {
    Source::read(path).expect_err("it cannot be read").to_string()
}

#[test]
fn a_missing_file_is_looked_for_nearby() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("gc-pause.toml"), TEXT).unwrap();
    let near = folder.path().join("gc-pause.toml").display().to_string();
    for wrong in ["gc-pase.toml", "gc-pause", "gc_pause.toml"] {
        let path = folder.path().join(wrong);
        let message = shown(&path);
        assert!(message.starts_with("error: there is no such file\n"), "{message}");
        assert!(message.contains(&path.display().to_string()), "{message}");
        assert!(message.contains(&format!("did you mean {near}?")), "{message}");
    }
    let far = shown(&folder.path().join("zebra.toml"));
    assert!(far.contains("the scenarios there are gc-pause.toml") && !far.contains("did you mean"), "{far}");
    for index in 0..10 {
        fs_err::write(folder.path().join(format!("{index}.toml")), TEXT).unwrap();
    }
    assert!(
        shown(&folder.path().join("zebra.toml"))
            .contains("are 0.toml, 1.toml, 2.toml, 3.toml, 4.toml, 5.toml, 6.toml, 7.toml, ...")
    );
    let message = shown(&folder.path().join("sub/gc-pause.toml"));
    assert!(message.contains("does not exist either"), "{message}");
    assert!(shown(Path::new("")).starts_with("error: "));
    assert!(shown(Path::new("/nowhere.toml")).contains("there is no such file"));
}

#[test]
fn a_directory_is_no_file_but_may_hold_one() {
    let folder = tempfile::tempdir().unwrap();
    let message = shown(folder.path());
    assert!(message.contains("this is a directory"), "{message}");
    assert!(message.contains("name a file that ends in .toml"), "{message}");
    fs_err::write(folder.path().join("b.toml"), TEXT).unwrap();
    fs_err::write(folder.path().join("a.toml"), TEXT).unwrap();
    let message = shown(folder.path());
    assert!(message.contains(&folder.path().join("a.toml").display().to_string()), "{message}");
}

#[test]
#[cfg(unix)]
fn a_link_that_leads_nowhere_says_where_it_leads() {
    let folder = tempfile::tempdir().unwrap();
    let link = |target, name| std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
    link("gone.toml", "dangling.toml");
    link("loop.toml", "loop.toml");
    let message = shown(&folder.path().join("dangling.toml"));
    assert!(message.starts_with("error: it is a link to gone.toml, which does not exist\n"), "{message}");
    let message = shown(&folder.path().join("loop.toml"));
    assert!(message.starts_with("error: the file cannot be read: Too many levels of"), "{message}");
    let message = shown(&folder.path().join("dangling.toml/x.toml"));
    assert_eq!(message.matches("dangling.toml").count(), 2, "the path, and the folder: {message}");
}

#[test]
fn a_large_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.toml");
    fs_err::File::create(&path).unwrap().set_len(10 << 20).unwrap();
    let message = shown(&path);
    assert!(
        message.contains("the file is 10.0 MiB large, expected a scenario of at most 1 MiB"),
        "{message}"
    );
    // A device says that it is empty, and never ends.
    let endless = shown(Path::new("/dev/zero"));
    assert!(endless.contains("larger than 1 MiB"), "{endless}");
    fs_err::write(&path, "#".repeat(1 << 20)).unwrap();
    assert!(Source::read(&path).is_ok(), "exactly 1 MiB");
}

#[test]
fn an_empty_file_is_told_how_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.toml");
    for text in ["", " \n\n", "\u{feff}", "\u{feff}\n"] {
        fs_err::write(&path, text).unwrap();
        let message = shown(&path);
        assert!(message.contains("the file is empty"), "{message}");
        assert!(message.contains("begin with `schema = 1`"), "{message}");
    }
}

#[test]
fn a_byte_that_is_not_utf8_is_underlined() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latin1.toml");
    fs_err::write(&path, b"schema = 1\nsummary = \"\xc3\xa4 caf\xe9\"\n").unwrap();
    let message = shown(&path);
    assert!(message.contains("the file is not UTF-8: found the byte 0xe9"), "{message}");
    assert!(message.contains("latin1.toml:2:17\n"), "{message}");
    assert!(message.contains('^'), "{message}");
    fs_err::write(&path, b"\xff\xfes\0c\0").unwrap();
    let message = shown(&path);
    assert!(message.contains("latin1.toml:1:1\n") && message.contains("looks like UTF-16"), "{message}");
}

#[test]
fn positions_are_counted_as_people_do() {
    let source = Source::from_text("x.toml", "a\näb\n").with_overlays(["k=v"]);
    let at = |start| source.locate(&(start..start));
    let position = |line, column| Position { line, column };
    assert_eq!(at(0), ("x.toml", position(1, 1)));
    assert_eq!(at(1), ("x.toml", position(1, 2)));
    assert_eq!(at(4), ("x.toml", position(2, 2)));
    assert_eq!(at(6), ("x.toml", position(3, 1)));
    assert_eq!(at(7), ("--set", position(1, 1)));
    assert_eq!(at(usize::MAX), ("--set", position(1, 4)));
}

fn ttl_under(overlays: &[&str]) -> Result<leasehold_core::Span, String> {
    let source = Source::from_text("x.toml", TEXT).with_overlays(overlays.iter().copied());
    let scenario = Scenario::parse(source, &[&Toy]).map_err(|error| error.to_string())?;
    Ok(scenario.deployment.bounds().longest_ttl)
}

#[test]
fn overlays_replace_and_the_last_wins() {
    let seconds = leasehold_core::Span::from_secs;
    assert_eq!(ttl_under(&["lease.ttl=5s"]), Ok(seconds(5)));
    assert_eq!(ttl_under(&["lease.ttl=\"5s\""]), Ok(seconds(5)));
    assert_eq!(ttl_under(&[" lease . ttl = 5s "]), Ok(seconds(5)));
    assert_eq!(ttl_under(&["lease.ttl=5s", "lease.ttl=6s"]), Ok(seconds(6)));
    assert_eq!(ttl_under(&["lease={ ttl = \"7s\" }"]), Ok(seconds(7)));
    assert_eq!(ttl_under(&["lease={}", "lease.ttl=8s"]), Ok(seconds(8)));
    assert_eq!(ttl_under(&["topology.holders=1"]), Ok(seconds(10)));
}

#[test]
fn an_overlay_reaches_into_a_list() {
    let text = format!("{TEXT}[[fault]]\nat = \"1s\"\non = \"holder\"\ndo = \"pause\"\n");
    let plan = |overlay: &str| {
        let source = Source::from_text("x.toml", text.as_str()).with_overlays([overlay]);
        Scenario::parse(source, &[&Toy]).map_err(|error| error.to_string())
    };
    let faults = plan("fault.0.for=3s").unwrap().template.faults;
    assert_eq!(faults[0].lasts, Some(leasehold_core::Span::from_secs(3)));
    let message = plan("fault.1.for=3s").unwrap_err();
    assert!(message.contains("`fault` has no element `1`"), "{message}");
    assert!(message.contains("--set:1:7") && message.contains("it has one: fault.0"), "{message}");
    assert!(plan("fault.x.for=3s").unwrap_err().contains("`fault` has no element `x`"));
}

#[test]
fn an_overlay_adds_to_a_list() {
    let allowed = |text: &str, overlays: &[&str]| {
        let source =
            Source::from_text("x.toml", format!("{TEXT}{text}")).with_overlays(overlays.iter().copied());
        Scenario::parse(source, &[&Toy]).map(|scenario| scenario.allowed).map_err(|error| error.to_string())
    };
    let listed = "[transport]\nallow = [\"duplicate\"]\n";
    for (text, overlays, expected) in [
        (listed, &["transport.allow+=[\"link\"]"][..], &["duplicate", "link"][..]),
        ("", &["transport.allow+=[\"link\"]"], &["link"]),
        (listed, &["transport.allow=[]", "transport.allow+=[\"link\"]"], &["link"]),
        (listed, &["transport.allow += [\"link\", \"pause\"]"], &["duplicate", "link", "pause"]),
    ] {
        assert_eq!(allowed(text, overlays).as_deref(), Ok(expected), "{text:?} {overlays:?}");
    }
    for (overlay, position, words) in [
        ("transport.allow+=link", "--set:1:18", "`+=` adds a list, found this string"),
        ("transport.allow+=[\"lnk\"]", "--set:1:19", "did you mean `link`?"),
        ("summary+=[\"x\"]", "--set:1:1", "`summary` is no list"),
    ] {
        let message = allowed(listed, &[overlay]).expect_err(overlay);
        assert!(message.contains(position) && message.contains(words), "{message}");
    }
}

#[test]
fn a_wrong_overlay_is_shown_itself() {
    for (overlay, position, words) in [
        ("lease.ttl=5x", "--set:1:11", &["\"x\" is not a unit of time"][..]),
        ("lease.tll=5s", "--set:1:7", &["unknown key `tll` in [lease]", "did you mean `ttl`?"]),
        ("leese.ttl=5s", "--set:1:1", &["unknown table `[leese]`", "did you mean `[lease]`?"]),
        ("lease.ttl", "--set:1:1", &["has no value", "write --set key.path=value"]),
        ("lease..ttl=5s", "--set:1:7", &["does not name a key"]),
        ("=5s", "--set:1:1", &["does not name a key"]),
        ("", "--set:1:1", &["has no value"]),
        ("lease.ttl.max=5s", "--set:1:7", &["`ttl` is no table", "it is this string"]),
        ("name.x=5s", "--set:1:1", &["`name` is no table"]),
        ("lease.ttl=\"5s", "--set:1:14", &["this is not a TOML value"]),
        ("lease=5", "--set:1:7", &["expected a table, found integer `5`"]),
        ("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q=1", "--set:1:33", &["a key path has at most 16 parts"]),
    ] {
        let message = ttl_under(&["topology.holders=1", overlay]).expect_err(overlay);
        assert!(message.contains(position), "expected {position} in\n{message}");
        for word in words {
            assert!(message.contains(word), "expected {word} in\n{message}");
        }
    }
}

#[test]
fn a_key_is_set_with_its_table_or_with_what_is_below_it() {
    let is_set = |overlay: &str, key| Source::from_text("x", "").with_overlays([overlay]).is_set(key);
    assert!(is_set("lease.ttl=\"5s\"", "lease.ttl"));
    assert!(is_set("lease={ttl=\"5s\"}", "lease.ttl"));
    assert!(is_set("network.latency.max = \"5s\"", "network.latency"));
    assert!(is_set("transport.allow+=[\"link\"]", "transport.allow"));
    assert!(!is_set("lease.ttl=\"5s\"", "lease.renew"));
    assert!(!is_set("lease.tt=\"5s\"", "lease.ttl"));
    assert!(!is_set("lease.ttl=\"5s\"", "lease.tt"));
}
