//! What /proc says on machines of several kinds.

use super::*;

const STAT: &str = "\
cpu  30 2 12 600 9 2 5 5 0 0
cpu0 10 1 4 300 5 2 3 2 0 0
cpu1 20 1 8 300 4 0 2 3 0 0
intr 367693 0 0
ctxt 670287
";

const X86: &str = "\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 142
model name\t: Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz
cpu MHz\t\t: 1800.000

processor\t: 1
vendor_id\t: GenuineIntel
model name\t: Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz
";

const ARM64: &str = "\
processor\t: 0
BogoMIPS\t: 50.00
Features\t: fp asimd evtstrm aes
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0c
CPU revision\t: 1

processor\t: 1
BogoMIPS\t: 50.00
CPU implementer\t: 0x61
CPU part\t: 0x022
";

const ARM32: &str = "\
processor\t: 0
model name\t: ARMv7 Processor rev 4 (v7l)
CPU part\t: 0xd03

processor\t: 1
model name\t: ARMv7 Processor rev 4 (v7l)
CPU part\t: 0xd03

Hardware\t: BCM2835
Model\t\t: Raspberry Pi 3 Model B Rev 1.2
";

fn models_of(cpuinfo: &str) -> Vec<String> {
    parse(cpuinfo, STAT, 100).into_iter().map(|cpu| cpu.model).collect()
}

#[test]
fn times_are_milliseconds_and_leave_iowait_out() {
    let cpus = parse(X86, STAT, 100);
    assert_eq!(cpus.len(), 2);
    assert_eq!(cpus[0].times, [100, 10, 40, 3000, 20]);
    assert_eq!(cpus[1].times, [200, 10, 80, 3000, 0]);
    assert_eq!(parse(X86, STAT, 1000)[0].times, [10, 1, 4, 300, 2]);
}

#[test]
fn a_model_has_a_name_on_x86() {
    let name = "Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz";
    assert_eq!(models_of(X86), [name, name]);
}

#[test]
fn a_model_has_a_number_or_a_name_on_arm() {
    assert_eq!(models_of(ARM64), ["Neoverse-N1", "ARM part 0x022"]);
    let name = "ARMv7 Processor rev 4 (v7l)";
    assert_eq!(models_of(ARM32), [name, name]);
}

#[test]
fn a_model_that_nobody_names_is_unknown() {
    assert_eq!(models_of(""), ["unknown", "unknown"]);
    assert_eq!(models_of("no colon\nprocessor: x\n"), ["unknown", "unknown"]);
}

#[test]
fn lines_that_are_cut_short_are_left_out() {
    let stat = "cpu0 1 2 3\ncpu1 1 2 3 4 5 6\ncpux 1 2 3 4 5 6\ncpu";
    let cpus = parse("", stat, 100);
    assert_eq!(cpus.len(), 1);
    assert_eq!(cpus[0].number, 1);
    assert_eq!(parse("", "", 0), []);
}

fn big_machine() -> Vec<Cpu> {
    let mut cpuinfo = String::new();
    let mut stat = String::new();
    for number in 0..128 {
        let model = if number < 64 { "Big" } else { "Little" };
        cpuinfo += &format!("processor: {number}\nmodel name: {model}\n\n");
        stat += &format!("cpu{number} 1 0 2 3 0 0 0\n");
    }
    parse(&cpuinfo, &stat, 100)
}

#[test]
fn on_a_big_machine_each_model_has_one_row() {
    let table = table(&big_machine());
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 5, "{table}");
    assert_eq!(lines[0], "CPUs 0-63     Big");
    assert_eq!(lines[1], "CPUs 64-127   Little");
    assert!(lines[3].starts_with("64 CPUs                640"), "{table}");
}

#[test]
fn on_a_small_machine_each_cpu_has_a_row_and_no_line_is_too_long() {
    let mut cpus = parse(X86, STAT, 100);
    cpus[0].times = [999_999_999_999; 5]; // 31 years
    let table = table(&cpus);
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.lines().all(|line| line.len() <= 80), "{table}");
}

#[test]
fn neighbours_become_ranges() {
    assert_eq!(named([3]), "CPU 3");
    assert_eq!(named([0, 1]), "CPUs 0-1");
    assert_eq!(named([0, 1, 2, 5, 7, 8]), "CPUs 0-2, 5, 7-8");
}
