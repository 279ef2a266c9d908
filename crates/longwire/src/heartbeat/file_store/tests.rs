use super::*;
use std::env;

fn folder() -> PathBuf {
    let name = format!("longwire-store-{:016x}", rand::random::<u64>());
    env::temp_dir().join(name)
}

/// A store in a folder of its own, which is removed.
struct Temporary(FileStore);

impl Temporary {
    fn new() -> Temporary {
        Temporary(FileStore::new(folder().join("deep").join("heartbeats")))
    }

    fn holding(text: &str) -> Temporary {
        let store = Temporary::new();
        fs::create_dir_all(store.0.path().parent().unwrap()).unwrap();
        fs::write(store.0.path(), text).unwrap();
        store
    }

    fn text(&self) -> String {
        fs::read_to_string(self.0.path()).unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let folder = self.0.path().parent().and_then(Path::parent).unwrap();
        let _ = fs::remove_dir_all(folder);
    }
}

fn route(network: &str) -> Route {
    Route::parse(network, "wss://example.com:443").unwrap()
}

fn known(proven: u64) -> Known {
    Known {
        proven: Duration::from_millis(proven),
        refuted: Some(Duration::from_secs(300)),
        age: Duration::ZERO,
    }
}

fn load(store: &FileStore, route: &Route) -> Option<(Duration, Option<Duration>)> {
    let known = store.load(route).unwrap()?;
    assert!(known.age < Duration::from_secs(3600));
    Some((known.proven, known.refuted))
}

#[test]
fn what_is_saved_is_there_in_the_next_run() {
    let store = Temporary::new();
    let (home, office) = (route("10.0.0.1"), route("2001:db8:0:1::"));
    assert_eq!(store.0.load(&home).unwrap(), None);
    store.0.save(&home, &known(285_500)).unwrap();
    store.0.save(&office, &known(60_000)).unwrap();
    let next = FileStore::new(store.0.path());
    let expected = (known(285_500).proven, known(0).refuted);
    assert_eq!(load(&next, &home), Some(expected));
    next.forget(&home).unwrap();
    assert_eq!(load(&store.0, &home), None);
    assert_eq!(load(&store.0, &office).unwrap().0, known(60_000).proven);
    next.forget(&home).unwrap();
}

#[test]
fn its_age_is_that_of_the_learning() {
    let store = Temporary::new();
    let mut old = known(60_000);
    old.age = Duration::from_secs(5_000);
    store.0.save(&route("10.0.0.1"), &old).unwrap();
    let loaded = store.0.load(&route("10.0.0.1")).unwrap().unwrap();
    let expected = Duration::from_secs(5_000)..Duration::from_secs(6_000);
    assert!(expected.contains(&loaded.age), "{:?}", loaded.age);
}

#[test]
fn the_format_is_this() {
    let text = "longwire heartbeats 1\n\
                1763750000 192.168.1.7 wss://example.com:443 285000 300000\n\
                1763750512 2001:db8:1:2:: wss://example.com:443 1800000 -\n";
    let (entries, problem) = parse(text);
    assert!(problem.is_none());
    assert_eq!(entries.iter().count(), 2);
    assert_eq!(format(&entries), text);
}

#[test]
fn a_broken_line_is_told_and_gone_with_the_next_write() {
    let good = "1763750000 192.168.1.7 wss://example.com:443 285000 300000";
    for bad in [
        "",
        "1763750000",
        "1763750000 192.168.1.7 wss://example.com:443 285000",
        "1763750000 192.168.1 wss://example.com:443 285000 300000",
        "1763750000 192.168.1.7 wss://example.com:443 long 300000",
        "x 192.168.1.7 wss://example.com:443 285000 -",
        "18446744073709551615 192.168.1.7 wss://example.com:443 1 -",
    ] {
        let store = Temporary::holding(&format!("{FIRST_LINE}\n{good}\n{bad}\n{good}\n"));
        let error = store.0.load(&route("10.0.0.1")).unwrap_err().to_string();
        assert!(error.contains("line 3 of "), "{error}");
        store.0.save(&route("10.0.0.1"), &known(60_000)).unwrap();
        assert!(store.text().contains(good), "{}", store.text());
        assert_eq!(
            load(&store.0, &route("10.0.0.1")).unwrap().0,
            known(60_000).proven
        );
    }
}

#[test]
fn a_file_that_is_none_of_ours_is_told() {
    for text in [
        "",
        "longwire heartbeats 2\n",
        "\0\u{1}\u{2}",
        "{\"json\": true}",
    ] {
        let store = Temporary::holding(text);
        let error = store.0.load(&route("10.0.0.1")).unwrap_err().to_string();
        assert!(error.contains("line 1 of "), "{error}");
    }
    let store = Temporary::holding(&"x".repeat(MAX_SIZE as usize + 1));
    let error = store.0.load(&route("10.0.0.1")).unwrap_err().to_string();
    assert!(error.contains("longer than 262144 bytes"), "{error}");
}

#[test]
fn it_stays_bounded() {
    let store = Temporary::new();
    let mut entries = Entries::default();
    for host in 0..Entries::MAX {
        let long = format!("wss://{}{host:03}.example:65535", "a".repeat(240));
        let route = Route::parse("2001:db8:1111:2222::", &long).unwrap();
        entries.put(&route, &known(999_999_999), SystemTime::now());
    }
    store.0.write(&entries).unwrap();
    assert!(fs::metadata(store.0.path()).unwrap().len() <= MAX_SIZE);
    store.0.save(&route("10.0.0.1"), &known(60_000)).unwrap();
    assert_eq!(store.text().lines().count(), 1 + Entries::MAX);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let store = Temporary::new();
    store.0.save(&route("10.0.0.1"), &known(60_000)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(store.0.path()), 0o600);
    assert_eq!(mode(store.0.path().parent().unwrap()), 0o700);
    let folder = fs::read_dir(store.0.path().parent().unwrap()).unwrap();
    assert_eq!(folder.count(), 1, "nothing is left behind");
}

#[test]
fn what_cannot_be_written_is_told_with_its_path() {
    let store = Temporary::holding(FIRST_LINE);
    let inside = FileStore::new(store.0.path().join("heartbeats"));
    let error = inside.save(&route("10.0.0.1"), &known(1)).unwrap_err();
    assert!(error.to_string().starts_with("cannot write "), "{error}");
}
