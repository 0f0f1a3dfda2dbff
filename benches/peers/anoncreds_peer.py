"""One AnonCreds credential, one predicate "age >= 18": proved and verified on request.

Prints the bytes of the presentation, then for each line "prove" or "verify" on its input the
nanoseconds of processor time that it took. Needs the package anoncreds.
"""

import json
import sys
import time

import anoncreds as ac

ISSUER, SCHEMA_ID, DEF_ID = "mock:issuer", "mock:schema", "mock:definition"

schema = ac.Schema.create("bench", "1.0", ISSUER, ["name", "age"])
definition, definition_private, key_proof = ac.CredentialDefinition.create(
    SCHEMA_ID, schema, ISSUER, "tag", "CL", support_revocation=False
)
link_secret = ac.create_link_secret()
offer = ac.CredentialOffer.create(SCHEMA_ID, DEF_ID, key_proof)
request, metadata = ac.CredentialRequest.create(
    "entropy", None, definition, link_secret, "default", offer
)
issued = ac.Credential.create(
    definition, definition_private, offer, request, {"name": "Alex", "age": "42"}
)
credential = issued.process(metadata, link_secret, definition)
wanted = ac.PresentationRequest.load(
    {
        "name": "bench",
        "version": "1.0",
        "nonce": "182453895158932070575246",
        "requested_attributes": {},
        "requested_predicates": {"age": {"name": "age", "p_type": ">=", "p_value": 18}},
    }
)


def prove():
    chosen = ac.PresentCredentials()
    chosen.add_predicates(credential, "age")
    return ac.Presentation.create(
        wanted, chosen, {}, link_secret, {SCHEMA_ID: schema}, {DEF_ID: definition}
    )


def verify():
    assert presentation.verify(wanted, {SCHEMA_ID: schema}, {DEF_ID: definition})


presentation = prove()
verify()
print(len(json.dumps(presentation.to_dict(), separators=(",", ":"))), flush=True)
for line in sys.stdin:
    work = {"prove": prove, "verify": verify}[line.strip()]
    start = time.process_time_ns()
    work()
    print(time.process_time_ns() - start, flush=True)
