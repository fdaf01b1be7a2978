//! Generated programs against the writer of [`probe::protocol`], which the interleavings are checked with: after each record of a
//! random history every word of the ring is the same.

use std::cell::RefCell;
use std::sync::atomic::Ordering;

use probe::facts::Facts;
use probe::insn::MapRef;
use probe::protocol::{HeaderWord, Memory, Reader, Word, Writer};
use probe::ring::{CONTROL, Geometry};
use proptest::prelude::*;
use schema::layout::Layout;
use schema::lower::Plan;

use crate::scene::{NATIVE, Scene, facts, first, layouts};

const CALLS: &str = "\
number x86_64 110 getppid
number x86_64 80 chdir
number x86_64 1 write
getppid() = pid
chdir(path filename)
write(fd fd, in bytes buf[count], size count) = size
";
const CALL_NAMES: [&str; 4] =
    ["syscall_entry_getppid", "syscall_exit_getppid", "syscall_entry_chdir", "syscall_entry_write"];
const TEXT: u64 = 0x7000;

/// The ring of the model: plain bytes.
struct Plain {
    bytes: RefCell<Vec<u8>>,
}

impl Plain {
    fn word(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes.borrow()[at..at + 8].try_into().unwrap())
    }

    fn put(&self, at: usize, bytes: &[u8]) {
        self.bytes.borrow_mut()[at..at + bytes.len()].copy_from_slice(bytes);
    }
}

impl Memory for Plain {
    fn load(&self, word: Word, _: Ordering) -> u64 {
        self.word(word.offset())
    }

    fn store(&self, word: Word, value: u64, _: Ordering) {
        self.put(word.offset(), &value.to_le_bytes());
    }

    fn header(&self, at: usize, word: HeaderWord) -> u64 {
        self.word(CONTROL as usize + at + word.offset())
    }

    fn set_header(&self, at: usize, word: HeaderWord, value: u64) {
        self.put(CONTROL as usize + at + word.offset(), &value.to_le_bytes());
    }

    fn read(&self, at: usize, len: usize, out: &mut Vec<u8>) {
        out.extend(&self.bytes.borrow()[CONTROL as usize + at..][..len]);
    }

    fn write(&self, at: usize, bytes: &[u8]) {
        self.put(CONTROL as usize + at, bytes);
    }
}

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// A call by its index, with this many bytes of text, after this many ns.
    Call(usize, usize, u64),
    /// The reader hands a packet back, if it can.
    HandBack,
    /// The reader asks for the open packet.
    Ask,
}

fn step() -> impl Strategy<Value = Step> {
    let ns = prop_oneof![20 => 0..1000_u64, 1 => 0x7fff_0000..0x1_8000_0000_u64];
    prop_oneof![
        30 => (0..CALL_NAMES.len(), 0..1500_usize, ns).prop_map(|(call, len, ns)| Step::Call(call, len, ns)),
        3 => Just(Step::HandBack),
        1 => Just(Step::Ask),
    ]
}

/// Bytes of the record of a call with a text of this length, by the layout.
fn length(layout: &Layout, text: usize, plan: &Plan) -> usize {
    let variable = match layout.event.name.as_str() {
        "syscall_entry_chdir" => text.min(usize::from(plan.string)) + 1,
        "syscall_entry_write" => text.min(usize::from(plan.data)),
        _ => 0,
    };
    usize::from(layout.shape.fixed_len) + variable
}

fn agree(machine: &impl Memory, model: &impl Memory, geometry: Geometry) -> Result<(), TestCaseError> {
    for word in Word::ALL {
        let (of_machine, of_model) =
            (machine.load(word, Ordering::Relaxed), model.load(word, Ordering::Relaxed));
        prop_assert_eq!(of_machine, of_model, "{:?}", word);
    }
    for sub_buffer in 0..geometry.count() {
        let at = (sub_buffer * geometry.sub_buffer()) as usize;
        for word in HeaderWord::ALL {
            prop_assert_eq!(machine.header(at, word), model.header(at, word), "{:?} at {}", word, at);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs_do_to_the_ring_what_the_model_does(
        steps in prop::collection::vec(step(), 1..120),
        count in 1_u32..3,
    ) {
        let geometry = Geometry::new(4096 << count, 4096).unwrap();
        let plan = Plan { string: 1000, data: 800, ..Plan::default() };
        let all = layouts(CALLS, &plan);
        let calls: Vec<Layout> = CALL_NAMES.iter().map(|name| first(&all, name)).collect();
        let scene = Scene::with(Facts { syscalls: geometry, ..facts() });
        let programs: Vec<_> = calls.iter().map(|layout| scene.program(&layout.shape)).collect();
        let ring = scene.ring(MapRef::Syscalls);
        let model = Plain { bytes: RefCell::new(vec![0; geometry.value_size() as usize]) };
        let writer = Writer::new(geometry);
        let (mut reader, mut model_reader) = (Reader::new(geometry, 0), Reader::new(geometry, 0));
        for step in steps {
            match step {
                Step::Call(call, text, ns) => {
                    let layout = &calls[call];
                    scene.advance(ns);
                    scene.user(TEXT, &[vec![b'x'; text], vec![0]].concat());
                    match layout.event.name.as_str() {
                        "syscall_entry_write" => scene.enter(NATIVE, 1, &[1, TEXT, text as u64]),
                        _ => scene.enter(NATIVE, 80, &[TEXT]),
                    }
                    let now = scene.machine.borrow().now;
                    let room = writer.reserve(&model, layout.shape.longest(), now);
                    scene.run(&programs[call]);
                    if let Some(pos) = room {
                        let len = length(layout, text, &plan);
                        let mut record = Vec::new();
                        ring.read(geometry.offset(pos), len, &mut record);
                        prop_assert_eq!(record[2..6].to_vec(), (now as u32).to_le_bytes().to_vec());
                        model.write(geometry.offset(pos), &record);
                        writer.publish(&model, len, layout.event.name.contains("entry"));
                    }
                }
                Step::HandBack => {
                    let packet = reader.complete(&ring);
                    prop_assert_eq!(packet, model_reader.complete(&model));
                    if let Some(packet) = packet {
                        let (mut of_machine, mut of_model) = (Vec::new(), Vec::new());
                        ring.read(packet.at, packet.len, &mut of_machine);
                        model.read(packet.at, packet.len, &mut of_model);
                        // The constant words are only in the machine.
                        prop_assert_eq!(&of_machine[88..], &of_model[88..]);
                        reader.hand_back(&ring);
                        model_reader.hand_back(&model);
                    }
                }
                Step::Ask => {
                    reader.ask_for_switch(&ring);
                    model_reader.ask_for_switch(&model);
                }
            }
            agree(&ring, &model, geometry)?;
        }
    }
}
