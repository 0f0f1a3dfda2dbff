//! Operators register whose signatures count, and take that back.

use akashi_proof::Assurance;
use akashi_proto::v1;
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};

use crate::calls::{id, reason};
use crate::holder::{Issuer, Sensor, operator};
use crate::paper::{Paper, TENANT};
use crate::port::Port;

fn is(status: &Status, code: Code, expected: &str) {
    assert_eq!(
        (status.code(), reason(status)),
        (code, expected),
        "{status:?}"
    );
}

#[tokio::test]
async fn an_issuers_key_is_registered_once_and_revoked() {
    let port = Port::open(Paper::founded()).await;
    let mut operator = operator(&port).await;
    let issuer = Issuer::new(1);
    let request = issuer.register();
    let first = operator
        .register_issuer(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first.issuer_key_id, Sha256::digest(issuer.key()).to_vec());
    let again = operator
        .register_issuer(request)
        .await
        .unwrap()
        .into_inner();
    assert!(again.placement.unwrap().repeated);
    assert_eq!(again.issuer_key_id, first.issuer_key_id);
    let status = operator.register_issuer(issuer.register()).await;
    is(&status.unwrap_err(), Code::AlreadyExists, "EXISTS");
    // The same issuer may have another key.
    operator
        .register_issuer(Issuer::new(2).register())
        .await
        .unwrap();

    let revoke = |key_id: &[u8]| v1::RevokeIssuerRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        issuer_key_id: key_id.to_vec().into(),
        from_us: 0,
    };
    operator
        .revoke_issuer(revoke(&first.issuer_key_id))
        .await
        .unwrap();
    let status = operator.revoke_issuer(revoke(&[7; 32])).await.unwrap_err();
    is(&status, Code::NotFound, "ISSUER_UNKNOWN");
}

#[tokio::test]
async fn a_sensor_is_registered_under_the_digest_of_its_certificate_and_revoked() {
    let port = Port::open(Paper::founded()).await;
    let mut operator = operator(&port).await;
    let sensor = Sensor::new(1, Assurance::Secure);
    let registered = operator
        .register_sensor(sensor.register())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(registered.certificate_digest.as_ref(), sensor.digest().0);
    let status = operator.register_sensor(sensor.register()).await;
    is(&status.unwrap_err(), Code::AlreadyExists, "EXISTS");
    let revoke = |digest: &[u8]| v1::RevokeSensorRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        certificate_digest: digest.to_vec().into(),
    };
    operator
        .revoke_sensor(revoke(&registered.certificate_digest))
        .await
        .unwrap();
    let status = operator.revoke_sensor(revoke(&[7; 32])).await.unwrap_err();
    is(&status, Code::NotFound, "SENSOR_UNKNOWN");
}

#[tokio::test]
async fn fields_of_registrations_that_make_no_sense_are_named_and_nothing_changes() {
    let port = Port::open(Paper::founded()).await;
    let mut operator = operator(&port).await;
    let leaves = akashi_node::api::Replica::progress(&port.paper).leaves;
    let named = |field: &str, status: Status| {
        is(&status, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(status.message(), format!("{field} is not acceptable"));
    };
    let good = || Issuer::new(1).register();
    // The key of small order would verify what nobody signed.
    let mut small = [0; 32];
    small[0] = 1;
    for (field, request) in [
        (
            "request_id",
            v1::RegisterIssuerRequest {
                request_id: vec![1; 16].into(),
                ..good()
            },
        ),
        (
            "name",
            v1::RegisterIssuerRequest {
                name: "Registry GmbH".into(),
                ..good()
            },
        ),
        (
            "key",
            v1::RegisterIssuerRequest {
                key: vec![1; 31].into(),
                ..good()
            },
        ),
        (
            "key",
            v1::RegisterIssuerRequest {
                key: small.to_vec().into(),
                ..good()
            },
        ),
    ] {
        named(field, operator.register_issuer(request).await.unwrap_err());
    }
    let good = || Sensor::new(1, Assurance::Attested).register();
    for (field, request) in [
        (
            "key",
            v1::RegisterSensorRequest {
                key: vec![0xff; 32].into(),
                ..good()
            },
        ),
        (
            "model_id",
            v1::RegisterSensorRequest {
                model_id: "face 1".into(),
                ..good()
            },
        ),
        ("level", v1::RegisterSensorRequest { level: 3, ..good() }),
        (
            "level",
            v1::RegisterSensorRequest {
                level: 257,
                ..good()
            },
        ),
        (
            "expires_us",
            v1::RegisterSensorRequest {
                expires_us: good().not_before_us,
                ..good()
            },
        ),
    ] {
        named(field, operator.register_sensor(request).await.unwrap_err());
    }
    let request = v1::RevokeIssuerRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        issuer_key_id: vec![1; 16].into(),
        from_us: 0,
    };
    named(
        "issuer_key_id",
        operator.revoke_issuer(request).await.unwrap_err(),
    );
    let request = v1::RegisterIssuerRequest {
        tenant: "nobody".into(),
        ..Issuer::new(1).register()
    };
    let status = operator.register_issuer(request).await.unwrap_err();
    is(&status, Code::NotFound, "TENANT_UNKNOWN");
    assert_eq!(
        akashi_node::api::Replica::progress(&port.paper).leaves,
        leaves
    );
}
