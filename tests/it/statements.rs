//! Statements of a period, end to end: real processes make one, and two independent programs check it.

use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use akashi_client::platform::Period;
use akashi_client::{Call, Deadline, Initiator, statement};
use akashi_merkle::KeySet;
use akashi_tests::real::{ACT, RealCluster};

/// Contacts of the real cluster: a part and its neighbours.
const CONTACTS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_real_nodes_account_for_every_contact() {
    let cluster = RealCluster::start().await;
    let context = cluster.dev.context();
    let (platform, keys) = (context.platform().unwrap(), context.key_set().unwrap());
    let mut closed = Vec::new();
    for number in 0..CONTACTS {
        let call = Call {
            subject: &format!("sub_account_{number:03}"),
            initiator: Initiator::Centre,
            policy: context.policy(),
            call_reason: 1,
            agent: None,
            ..Call::default()
        };
        let announced = platform
            .announce(&call, Deadline::after(ACT))
            .await
            .unwrap();
        let id = announced.contact_id;
        platform.close(&id, 3, Deadline::after(ACT)).await.unwrap();
        closed.push(id);
    }
    let deadline = Deadline::after(Duration::from_secs(60));
    let mut stamps = Vec::new();
    for (number, id) in (1..).zip(&closed) {
        let (_, _, said) = platform
            .processing_receipt(id, &keys, deadline)
            .await
            .unwrap();
        assert_eq!(said.number, number);
        stamps.push(said.closed_us);
    }
    // From the third contact on, and not the last two.
    let period = Period {
        from_us: stamps[2],
        until_us: stamps[CONTACTS - 2],
        service_s: 20,
        totals: Vec::new(),
    };
    let mut text = Vec::new();
    let made = platform
        .make_statement(&period, &keys, deadline, &mut text)
        .await
        .unwrap();
    assert!(made.end_shown);
    assert_eq!((made.scope.first, made.scope.last), (3, 10));
    let mut ids = Vec::new();
    let checked = statement::verify(
        &mut Cursor::new(&text),
        Path::new("-"),
        &keys,
        Some(platform.tenant()),
        |contacts| {
            ids.extend(contacts.iter().map(|contact| contact.contact_id));
            Ok(())
        },
    )
    .unwrap();
    assert_eq!(checked, made);
    assert_eq!(ids, closed[2..10]);

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("period.statement");
    std::fs::write(&file, &text).unwrap();
    let told = second(&file, context.keys_path());
    assert_eq!(String::from_utf8_lossy(&told.stdout), "8 contacts\n");
}

/// The pinned statement and what it becomes when somebody has been at it.
#[test]
fn the_second_verifier_judges_statements_like_the_first() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../audit/tests/golden");
    let keys_path = golden.join("keys.txt");
    let keys = KeySet::parse(&std::fs::read_to_string(&keys_path).unwrap()).unwrap();
    let text = std::fs::read_to_string(golden.join("statement.txt")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let leaf = |line: &&str| {
        line.split_once(' ')
            .is_some_and(|(n, _)| n.parse::<u64>().is_ok())
    };
    let at: Vec<usize> = (0..lines.len()).filter(|at| leaf(&lines[*at])).collect();
    let swapped = |a: usize, b: usize| {
        let mut lines = lines.clone();
        lines.swap(a, b);
        lines.join("\n") + "\n"
    };
    let without = |gone: usize| {
        let kept = lines.iter().enumerate().filter(|(at, _)| *at != gone);
        kept.map(|(_, line)| format!("{line}\n"))
            .collect::<String>()
    };
    let (last, first_contact) = (at[at.len() - 1], at[3]);
    let changed = [
        text.clone(),
        swapped(first_contact, at[4]),
        without(first_contact),
        without(last),
        without(at[0]),
        without(at[1]),
        text.replacen("contacts 4", "contacts 5", 1),
        text.replacen("within ", "within 1", 1),
        text.replacen("open 3", "open 4", 1),
        text.replacen("tenant 7 retail", "tenant 7 travel", 1),
        text.replacen("tenant 7 retail", "tenant 8 retail", 1),
        text.replacen("numbers 2 5", "numbers 2 4", 1),
        text.replacen("numbers 2 5", "numbers 3 5", 1),
        text.replacen("/e1/", "/e2/", 1),
        text.replacen(
            lines[first_contact],
            &lines[first_contact].replace("AAAA", "AAAB"),
            1,
        ),
        text[..text.len() - 1].to_owned(),
        text.clone() + "\n",
    ];
    let directory = tempfile::tempdir().unwrap();
    for (number, text) in changed.iter().enumerate() {
        let ours = akashi_merkle::statement::verify_statement(text, &keys, None);
        let file = directory.path().join(format!("{number}.statement"));
        std::fs::write(&file, text).unwrap();
        let theirs = second(&file, &keys_path);
        assert_eq!(ours.is_ok(), number == 0, "{number}: {ours:?}");
        let told = String::from_utf8_lossy(&theirs.stderr);
        assert_eq!(theirs.status.success(), ours.is_ok(), "{number}: {told}");
        assert!(!told.contains("Traceback"), "{number}: {told}");
    }
}

/// The pinned statement and the one behind it, in every order.
#[test]
fn both_verifiers_say_alike_whether_a_statement_goes_on_where_another_ended() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../audit/tests/golden");
    let keys_path = golden.join("keys.txt");
    let keys = KeySet::parse(&std::fs::read_to_string(&keys_path).unwrap()).unwrap();
    let files = ["statement.txt", "statement-next.txt"].map(|name| golden.join(name));
    let checked = files.each_ref().map(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        akashi_merkle::statement::verify_statement(&text, &keys, None).unwrap()
    });
    for (at, file) in files.iter().enumerate() {
        for (behind, before) in files.iter().enumerate() {
            let ours = checked[at].continues(&checked[behind]);
            assert_eq!(ours.is_ok(), (at, behind) == (1, 0), "{at} {behind}");
            let theirs = after(file, &keys_path, Some(before.as_path()));
            let told = String::from_utf8_lossy(&theirs.stderr);
            assert_eq!(
                theirs.status.success(),
                ours.is_ok(),
                "{at} {behind}: {told}"
            );
            assert!(!told.contains("Traceback"), "{told}");
        }
    }
}

fn second(file: &Path, keys: &Path) -> Output {
    after(file, keys, None)
}

fn after(file: &Path, keys: &Path, before: Option<&Path>) -> Output {
    let before = before.map(|before| [Path::new("--after"), before]);
    Command::new("python3")
        .args(["-m", "second_verifier", "period"])
        .args([file, keys])
        .args(before.into_iter().flatten())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("python3 is installed (Debian package python3)")
}
