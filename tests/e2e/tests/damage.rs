//! Traces that are cut, overwritten or not what they say: the readers refuse or read on, and never panic, crash or hang.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::path::{Path, PathBuf};

use e2e::run::{self, Scratch, syscribe, tracee};

/// xorshift64: the damages are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// Does one random damage to one random file. Returns what was done.
fn damage(trace: &Path, random: &mut Random) -> String {
    let files = files(trace);
    let file = &files[random.below(files.len())];
    let mut bytes = std::fs::read(file).unwrap();
    let what = match random.below(6) {
        0 => {
            bytes.truncate(random.below(bytes.len()));
            format!("cut to {}", bytes.len())
        }
        1 => {
            let extra = random.below(200);
            (0..extra).for_each(|_| bytes.push(random.below(256) as u8));
            format!("{extra} bytes appended")
        }
        2 if !bytes.is_empty() => {
            let from = random.below(bytes.len());
            let to = (from + random.below(64)).min(bytes.len());
            bytes.drain(from..to);
            format!("{from}..{to} cut out")
        }
        3 if !bytes.is_empty() => {
            // The head of a packet holds all that a reader believes.
            let at = random.below(bytes.len().min(96));
            bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)];
            format!("byte {at} is now {:#x}", bytes[at])
        }
        _ => {
            let places: Vec<usize> = (0..1 + random.below(8)).map(|_| random.below(bytes.len())).collect();
            for &at in &places {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.below(256) as u8;
                }
            }
            format!("bytes {places:?} overwritten")
        }
    };
    std::fs::write(file, bytes).unwrap();
    format!("{}: {what}", file.display())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { std::fs::copy(&path, &target).map(drop).unwrap() }
    }
}

#[test]
fn no_damage_makes_a_reader_panic_crash_or_hang() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("damage");
    let (sound, broken) = (scratch.join("sound"), scratch.join("broken"));
    let script =
        format!("{}; {}; ls -l /etc >/dev/null", tracee("pointers").display(), tracee("int80").display());
    run::run(syscribe(["record", "-o"]).arg(&sound).args(["sh", "-c", &script])).ok();
    let mut random = Random(0x5eed_0f7e_57ab_1e5d);
    let mut found = 0;
    for _ in 0..300 {
        copy(&sound, &broken);
        let mut done = vec![damage(&broken, &mut random)];
        while random.below(3) == 0 {
            done.push(damage(&broken, &mut random));
        }
        let style = ["strace", "ftrace", "json"][random.below(3)];
        let commands = [syscribe(["check"]), syscribe(["show", "--style", style])];
        for mut command in commands {
            let ran = run::run(command.arg(&broken));
            let err = ran.err();
            assert!(ran.signal().is_none(), "{done:?}: {command:?} died: {:?}\n{err}", ran.signal());
            assert!([0, 1, 3].contains(&ran.code()), "{done:?}: {command:?}: status {}\n{err}", ran.code());
            assert!(!err.contains("panicked"), "{done:?}: {command:?}\n{err}");
            assert!(
                ran.code() == 0 || !(err.is_empty() && ran.out().is_empty()),
                "{done:?}: {command:?}: not a word"
            );
            found += usize::from(ran.code() == 1);
        }
        std::fs::remove_dir_all(&broken).unwrap();
    }
    assert!(found > 100, "only {found} of 600 readings noticed anything: is there a check at all?");
}

#[test]
fn a_trace_cut_at_any_place_gives_the_packets_before_the_cut() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("cut");
    let (sound, cut) = (scratch.join("sound"), scratch.join("cut"));
    run::run(syscribe(["record", "-o"]).arg(&sound).arg(tracee("flood")).args(["50000", "0"])).ok();
    let lines = |directory: &Path| {
        let ran = run::run(syscribe(["show", "--style", "json"]).arg(directory));
        assert!([0, 1, 3].contains(&ran.code()), "{}", ran.err());
        ran.out().lines().count()
    };
    let whole = lines(&sound);
    let biggest = files(&sound).into_iter().max_by_key(|f| std::fs::metadata(f).unwrap().len()).unwrap();
    let length = std::fs::metadata(&biggest).unwrap().len();
    for part in [1, 5, 9] {
        copy(&sound, &cut);
        let file = cut.join(biggest.file_name().unwrap());
        std::fs::File::options().write(true).open(file).unwrap().set_len(length * part / 10).unwrap();
        let left = lines(&cut);
        assert!(left < whole, "{part}0 % of the file still have all {whole} events");
        assert!(part == 1 || left > 0, "{part}0 % of the file, and no event is left");
        run::run(syscribe(["check"]).arg(&cut)).expect_code(1);
        std::fs::remove_dir_all(&cut).unwrap();
    }
}
