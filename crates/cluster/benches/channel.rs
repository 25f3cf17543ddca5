//! Parts of the channel, with Criterion: `cargo bench -p cluster --bench channel`

mod contenders;

use contenders::{Bare, Echo, end, fork_to_online, take_part};
use criterion::{Criterion, Throughput};

fn main() {
    let primary = take_part();
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let mut echo = Echo::start(primary);
    let mut bare = Bare::start();

    let mut group = criterion.benchmark_group("round trip, 64 bytes");
    group.throughput(Throughput::Elements(1));
    group.bench_function("cluster", |bencher| bencher.iter_custom(|n| echo.round_trips(n)));
    group.bench_function("bare", |bencher| bencher.iter_custom(|n| bare.round_trips(n)));
    group.finish();

    let primary = &mut echo.primary;
    criterion.bench_function("fork to online", |bencher| {
        bencher.iter_custom(|n| {
            let once = || {
                let (worker, time) = fork_to_online(primary);
                end(primary, worker);
                time
            };
            std::iter::repeat_with(once).take(n as usize).sum()
        });
    });
    criterion.final_summary();
}
