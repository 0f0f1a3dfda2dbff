//! Customers who read, hear or speak otherwise: what the phone says, and how long it waits.

use akashi_client::phone::{Locale, NoticeText};
use akashi_client::{Initiator, policy::PolicyPurpose};
use akashi_domain::command::Command;
use akashi_domain::entry::encode;
use akashi_domain::policy::PolicyBody;

use super::world::{PIN, SECOND, VERIFIED, World, body};

#[test]
fn u35_more_time_and_plain_words_are_for_the_phone_and_nothing_of_it_is_in_the_cluster() {
    let mut world = World::founded();
    world.put_policy(
        "unhurried",
        PolicyBody {
            challenge_ttl_s: 600,
            ..body()
        },
    );
    let mut phone = world.customer(1);
    let mut announcement = World::announcement(phone.subject, 1);
    announcement.policy = "unhurried".into();
    let challenge = world.announce(announcement.clone()).unwrap();
    world.after(599 * SECOND);
    world.tick();
    assert_eq!(world.prove(&mut phone, challenge, PIN), Ok(VERIFIED));
    // The same question in three languages, each without a name, a debt or a product, and readable aloud.
    let text = NoticeText {
        tenant: "retail",
        purpose: PolicyPurpose::CustomerCall,
        initiator: Some(Initiator::Centre),
        agent_bound: true,
        asks_pin: true,
    };
    let said: Vec<String> = Locale::ALL
        .iter()
        .map(|locale| text.spoken(*locale))
        .collect();
    assert!(
        said[0].contains("retail") && said[0].contains("電話"),
        "{}",
        said[0]
    );
    assert!(said.iter().all(|text| text.contains("retail")));
    let kanji = |text: &str| text.chars().filter(|c| ('一'..='龯').contains(c)).count();
    assert_eq!(
        kanji(&said[1]),
        0,
        "easy Japanese is read by everybody: {}",
        said[1]
    );
    assert!(said[2].is_ascii(), "{}", said[2]);
    // What reaches the cluster is the same for every customer: a policy by its name.
    let bytes = encode(&Command::AnnounceContact(announcement));
    for locale in Locale::ALL {
        let name = locale.name().as_bytes();
        assert!(!bytes.windows(name.len()).any(|window| window == name));
    }
}
