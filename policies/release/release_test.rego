package holdfast.release_test

import data.holdfast.batch

question := {
	"gate": "release",
	"source": {"id": "0123456789abcdef0123456789abcdef", "name": "home"},
	"entry": {"path": "docs/plan.odt", "name": "plan.odt", "extension": "odt"},
	"classification": "internal",
	"content": {
		"sizeBytes": 1234,
		"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	},
	"sealing": {
		"basis": "sealed-bytes",
		"format": "sealed-v1",
		"cipher": "AES-256-CTR",
		"authentication": "HMAC-SHA-256",
		"keyId": "00112233445566778899aabbccddeeff",
		"scope": "default",
		"keyScope": "default",
		"contentMatches": true,
	},
	"destination": {
		"name": "local",
		"jurisdiction": "local",
		"region": "us-east-1",
		"tls": true,
		"loopback": false,
		"versioning": true,
		"objectLock": true,
	},
	"lock": {"mode": "GOVERNANCE", "days": 1, "requiredMode": "GOVERNANCE", "requiredDays": 1},
	"verdict": {"state": "clean", "signatureSet": "official"},
	"at": "2026-06-01T12:00:00.000Z",
}

config := {
	"lock": {"mode": "GOVERNANCE", "days": 1},
	"allow_test_signatures": false,
	"sources": {"home": {}},
	"destinations": {"local": {
		"jurisdiction": "local",
		"classifications": ["public", "internal", "confidential", "restricted"],
	}},
}

# As the program asks: the gate sees the traits of the file, and not the file.
decide(asked, config_value) := decision if {
	group := {
		"facts": object.remove(asked, ["entry", "content"]),
		"files": {"0": object.filter(asked, ["entry", "content"])},
	}
	answers := batch.releases with input as {"groups": [group]}
		with data.holdfast.config as config_value
	some {"files": ["0"], "decision": decision} in answers
}

patched(path, value) := json.patch(question, [{"op": "add", "path": path, "value": value}])

ids(decision) := {reason.id | some reason in decision.reasons}

denied_for(path, value) := ids(decide(patched(path, value), config))

released := {"allow": true, "reasons": [], "approvals": {"required": 0, "given": 0, "waived": []}}

test_ordinary_file_is_released if decide(question, config) == released

under_scope(name, asked) := json.patch(asked, [
	{"op": "add", "path": "/sealing/scope", "value": name},
	{"op": "add", "path": "/sealing/keyScope", "value": name},
])

test_every_classification_is_released_by_default if {
	every classification in ["public", "internal", "confidential", "restricted"] {
		scope := data.holdfast.defaults.classifications[classification].scope
		decide(under_scope(scope, patched("/classification", classification)), config).allow
	}
}

test_scope_of_another_classification if {
	ids(decide(patched("/classification", "restricted"), config)) == {"scope_mismatch"}
	ids(decide(under_scope("restricted", question), config)) == {"scope_mismatch"}
	tenant := object.union(config, {"sources": {"home": {"scope": "tenant-a"}}})
	decide(under_scope("tenant-a", question), tenant).allow
	ids(decide(question, tenant)) == {"scope_mismatch"}
}

test_what_is_stored_may_be_sealed_as_policy_wanted_it_then if {
	stored := patched("/sealing/basis", "existing-object")
	decide(under_scope("restricted", stored), config).allow
	decide(stored, object.union(config, {"format": "openpgp"})).allow
	ids(decide(json.patch(stored, [{"op": "add", "path": "/sealing/keyScope", "value": "restricted"}]), config)) == {"scope_mismatch"}
}

test_format_of_another_classification if {
	wanted := object.union(config, {"sources": {"home": {"format": "openpgp"}}})
	ids(decide(question, wanted)) == {"format_unexpected"}
	ids(decide(message, object.union(for_recipients, {"format": "sealed-v1"}))) == {"format_unexpected"}
}

# Not being on this machine is what makes the loopback fact count; its absence must deny only without TLS.
optional_paths := {["destination", "loopback"]}

test_every_missing_fact_denies if {
	paths := [path | some path; walk(question, [path, _]); count(path) > 0; not path in optional_paths]
	count(paths) == 37
	every path in paths {
		decide(json.remove(question, [concat("/", path)]), config).allow == false
	}
}

test_every_fact_of_wrong_type_denies if {
	leaves := [path | some path; walk(question, [path, value]); not is_object(value); not path in optional_paths]
	every path in leaves {
		pointer := sprintf("/%s", [concat("/", path)])
		decide(patched(pointer, null), config).allow == false
		decide(patched(pointer, {"a": 1}), config).allow == false
	}
}

test_no_input_denies_for_every_reason if count(ids(decide({}, config))) == 20

test_no_configuration_denies if not decide(question, {}).allow

test_every_missing_part_of_the_configuration_denies if {
	every part in [
		"sources",
		"sources/home",
		"destinations",
		"destinations/local",
		"destinations/local/jurisdiction",
		"destinations/local/classifications",
	] {
		not decide(question, json.remove(config, [part])).allow
	}
}

test_question_of_the_other_gate if denied_for("/gate", "admission") == {"input_invalid"}

test_unknown_basis if denied_for("/sealing/basis", "hope") == {"input_invalid"}

test_plan_and_existing_object_are_judged_alike if {
	decide(patched("/sealing/basis", "plan"), config).allow
	decide(patched("/sealing/basis", "existing-object"), config).allow
}

test_unknown_source if denied_for("/source/name", "elsewhere") == {"source_unknown", "name_denied"}

test_name_denied_by_source if {
	denying := object.union(config, {"sources": {"home": {"release": {"deny_names": ["*.odt"]}}}})
	ids(decide(question, denying)) == {"name_denied"}
	decide(patched("/entry/name", "plan.txt"), denying).allow
}

test_admission_names_do_not_bind_release if {
	decide(question, object.union(config, {"sources": {"home": {"admission": {"deny_names": ["*.odt"]}}}})).allow
}

test_unknown_format if denied_for("/sealing/format", "zip") == {
	"encryption_weak",
	"authentication_weak",
	"format_unexpected",
	"recipients_unexpected",
}

message := json.patch(question, [{
	"op": "add", "path": "/sealing", "value": {
		"basis": "sealed-bytes",
		"format": "openpgp",
		"cipher": "AES-256-CFB",
		"authentication": "SEIPD-1",
		"keyId": "00112233445566778899aabbccddeeff",
		"scope": "default",
		"keyScope": "default",
		"contentMatches": true,
		"recipients": ["c676a608664784fc", "passphrase"],
	},
}])

by_messages := object.union(config, {"format": "openpgp"})

for_recipients := object.union(by_messages, {"openpgp_recipients": ["c676a608664784fc", "passphrase"]})

test_message_to_the_configured_recipients if decide(message, for_recipients) == released

test_message_to_others if {
	every recipients in [[], ["c676a608664784fc"], ["c676a608664784fc", "e48d5cd40a54ccff", "passphrase"], null] {
		asked := json.patch(message, [{"op": "add", "path": "/sealing/recipients", "value": recipients}])
		ids(decide(asked, for_recipients)) == {"recipients_unexpected"}
	}
}

test_message_without_configured_recipients if {
	ids(decide(message, by_messages)) == {"recipients_unexpected"}
	ids(decide(message, object.union(by_messages, {"openpgp_recipients": []}))) == {"recipients_unexpected"}
	ids(decide(
		json.patch(message, [{"op": "add", "path": "/sealing/recipients", "value": []}]),
		object.union(by_messages, {"openpgp_recipients": []}),
	)) == {"recipients_unexpected"}
}

test_message_that_is_not_integrity_protected if {
	asked := json.patch(message, [{"op": "add", "path": "/sealing/authentication", "value": "none"}])
	ids(decide(asked, for_recipients)) == {"authentication_weak"}
}

test_terms_of_one_format_are_not_those_of_the_other if {
	asked := json.patch(message, [{"op": "add", "path": "/sealing/cipher", "value": "AES-256-CTR"}])
	ids(decide(asked, for_recipients)) == {"encryption_weak"}
}

test_weak_cipher if {
	every cipher in ["AES-128-CTR", "none", "", "aes-256-ctr"] {
		denied_for("/sealing/cipher", cipher) == {"encryption_weak"}
	}
}

test_key_without_id if denied_for("/sealing/keyId", "") == {"encryption_weak"}

test_no_authentication if denied_for("/sealing/authentication", "none") == {"authentication_weak"}

test_key_of_another_scope if denied_for("/sealing/keyScope", "tenant-b") == {"scope_mismatch"}

test_empty_scopes_do_not_match if {
	nameless := json.patch(question, [
		{"op": "add", "path": "/sealing/scope", "value": ""},
		{"op": "add", "path": "/sealing/keyScope", "value": ""},
	])
	ids(decide(nameless, config)) == {"scope_mismatch"}
}

test_other_content if denied_for("/sealing/contentMatches", false) == {"content_mismatch"}

test_unknown_destination if {
	found := denied_for("/destination/name", "elsewhere")
	"destination_unknown" in found
	"transfer_unauthorised" in found
}

test_destination_not_for_this_classification if {
	public_only := object.union(config, {"destinations": {"local": {"classifications": ["public"]}}})
	ids(decide(question, public_only)) == {"destination_classification"}
	decide(patched("/classification", "public"), public_only).allow
}

test_unknown_classification if {
	denied_for("/classification", "secret") == {
		"approval_required",
		"destination_classification",
		"destination_jurisdiction",
		"scope_mismatch",
		"transfer_unauthorised",
	}
}

test_other_jurisdiction_than_configured if denied_for("/destination/jurisdiction", "US") == {"destination_jurisdiction"}

test_jurisdiction_not_for_this_classification if {
	classifications := object.union(data.holdfast.defaults.classifications, {"internal": {"jurisdictions": ["EU"]}})
	decision := decide(question, config) with data.holdfast.defaults.classifications as classifications
	ids(decision) == {"destination_jurisdiction"}
}

test_other_region_than_configured if {
	regional := object.union(config, {"destinations": {"local": {"region": "eu-central-1"}}})
	ids(decide(question, regional)) == {"destination_region"}
	decide(patched("/destination/region", "eu-central-1"), regional).allow
}

test_bucket_without_object_lock if denied_for("/destination/objectLock", false) == {"object_lock_off"}

test_bucket_without_versioning if denied_for("/destination/versioning", false) == {"versioning_off"}

test_shorter_lock if denied_for("/lock/requiredDays", 2) == {"lock_weak"}

test_weaker_mode if denied_for("/lock/requiredMode", "COMPLIANCE") == {"lock_weak"}

test_stronger_lock if {
	decide(patched("/lock", {"mode": "COMPLIANCE", "days": 9.5, "requiredMode": "GOVERNANCE", "requiredDays": 2}), config).allow
}

test_lock_of_no_days if {
	denied_for("/lock", {"mode": "GOVERNANCE", "days": 0, "requiredMode": "GOVERNANCE", "requiredDays": 0}) == {"lock_weak"}
}

test_unknown_mode if denied_for("/lock/mode", "LEGAL") == {"lock_weak"}

test_plain_transport if denied_for("/destination/tls", false) == {"transport_plain"}

test_plain_transport_on_this_machine if {
	local := json.patch(question, [
		{"op": "add", "path": "/destination/tls", "value": false},
		{"op": "add", "path": "/destination/loopback", "value": true},
	])
	decide(local, config).allow
}

test_infected if {
	denied_for("/verdict", {"state": "infected", "signatureSet": "official"}) == {"verdict_unacceptable"}
}

test_test_signatures if {
	tested := patched("/verdict/signatureSet", "builtin-test")
	ids(decide(tested, config)) == {"verdict_unacceptable"}
	decide(tested, object.union(config, {"allow_test_signatures": true})).allow
}

test_not_scanned_waits_unless_policy_accepts_it if {
	denied_for("/verdict", {"state": "not_scanned", "reason": "encrypted"}) == {"verdict_unacceptable"}
	decide(patched("/verdict", {"state": "not_scanned", "reason": "too_large"}), config).allow
}

test_restricted_content_is_never_released_unscanned if {
	unscanned := json.patch(question, [
		{"op": "add", "path": "/classification", "value": "restricted"},
		{"op": "add", "path": "/verdict", "value": {"state": "not_scanned", "reason": "too_large"}},
	])
	ids(decide(under_scope("restricted", unscanned), config)) == {"verdict_unacceptable"}
}

test_unscanned_by_the_operators_choice_only_where_the_source_says_so if {
	unscanned := patched("/verdict", {"state": "not_scanned", "reason": "not_required"})
	ids(decide(unscanned, config)) == {"verdict_unacceptable"}
	decide(unscanned, object.union(config, {"sources": {"home": {"scan": "off"}}})).allow
	ids(decide(patched("/verdict", {"state": "infected", "reason": "not_required"}), object.union(config, {"sources": {"home": {"scan": "off"}}}))) == {"verdict_unacceptable"}
}

test_destination_not_for_this_classification_by_data if {
	ids(decide(question, config)) == {"destination_classification"} with data.holdfast.defaults.destinations as {"local": {"classifications": ["public"]}}
	decide(patched("/classification", "public"), config).allow with data.holdfast.defaults.destinations as {"local": {"classifications": ["public"]}}
	decide(question, config).allow with data.holdfast.defaults.destinations as {"other": {"classifications": ["public"]}}
}

authorisation := {
	"id": "DPO-2026-17",
	"valid_from": "2026-01-01T00:00:00Z",
	"valid_until": "2027-01-01T00:00:00+01:00",
}

authorised(authorisation_value, jurisdiction) := found if {
	found := decide(question, config) with data.holdfast.defaults.jurisdictions as jurisdiction
		with data.holdfast.defaults.destinations as {"local": {"transfer_authorisations": [authorisation_value]}}
}

demanding := {"local": {"requires_authorisation": true}}

test_jurisdiction_demands_an_authorisation if {
	ids(decide(question, config)) == {"transfer_unauthorised"} with data.holdfast.defaults.jurisdictions as demanding
	ids(decide(question, config)) == {"transfer_unauthorised"} with data.holdfast.defaults.jurisdictions as {"*": {"requires_authorisation": true}}
}

test_valid_authorisation_is_named if {
	found := authorised(authorisation, demanding)
	found.allow
	found.transferAuthorisation == "DPO-2026-17"
}

test_no_authorisation_is_named_where_none_is_demanded if authorised(authorisation, {}) == released

test_authorisation_before_and_after_its_time if {
	every time_limits in [
		{"valid_from": "2026-06-01T12:00:01Z"},
		{"valid_until": "2026-06-01T12:00:00Z"},
		{"valid_until": "soon"},
		{"valid_from": null},
	] {
		ids(authorised(object.union(authorisation, time_limits), demanding)) == {"transfer_unauthorised"}
	}
}

test_authorisation_for_other_classifications if {
	ids(authorised(object.union(authorisation, {"classifications": ["public"]}), demanding)) == {"transfer_unauthorised"}
	authorised(object.union(authorisation, {"classifications": ["internal"]}), demanding).allow
}

test_jurisdiction_that_demands_it_for_other_classifications if {
	decide(question, config).allow with data.holdfast.defaults.jurisdictions as {"local": {
		"requires_authorisation": true,
		"classifications": ["restricted"],
	}}
	ids(decide(question, config)) == {"transfer_unauthorised"} with data.holdfast.defaults.jurisdictions as {"local": {
		"requires_authorisation": true,
		"classifications": ["internal"],
	}}
}

test_named_jurisdiction_counts_before_the_others if {
	decide(question, config).allow with data.holdfast.defaults.jurisdictions as {
		"*": {"requires_authorisation": true},
		"local": {"requires_authorisation": false},
	}
}

approvers := [
	{"name": "amina", "public_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
	{"name": "jean", "public_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
]

approved_by(names, asked) := json.patch(asked, [{
	"op": "add", "path": "/approvals",
	"value": [{"approver": name, "at": "2026-06-01T11:00:00Z"} | some name in names],
}])

judged(asked) := found if {
	found := decide(asked, config) with data.holdfast.defaults.approvers as approvers
		with data.holdfast.defaults.classifications.internal.approvals as 2
}

test_classification_that_needs_two_persons if {
	every names in [[], ["amina"], ["amina", "amina"], ["amina", "eve"]] {
		ids(judged(approved_by(names, question))) == {"approval_required"}
	}
	found := judged(approved_by(["jean", "amina"], question))
	found == {"allow": true, "reasons": [], "approvals": {"required": 2, "given": 2, "waived": []}}
}

test_approvals_of_another_form_are_none if {
	every value in [null, "amina", {"approver": "amina"}, [{"approver": "amina"}], ["amina", "jean"]] {
		ids(judged(json.patch(question, [{"op": "add", "path": "/approvals", "value": value}]))) == {"approval_required"}
	}
}

unscanned := patched("/verdict", {"state": "not_scanned", "reason": "encrypted"})

test_approval_outweighs_an_unscanned_content if {
	found := decide(approved_by(["amina"], unscanned), config) with data.holdfast.defaults.approvers as approvers
	found == {"allow": true, "reasons": [], "approvals": {"required": 0, "given": 1, "waived": ["verdict_unacceptable"]}}
	ids(decide(approved_by(["eve"], unscanned), config)) == {"verdict_unacceptable"} with data.holdfast.defaults.approvers as approvers
}

test_nobody_outweighs_an_infection if {
	infected := patched("/verdict", {"state": "infected", "signatureSet": "official"})
	ids(decide(approved_by(["amina", "jean"], infected), config)) == {"verdict_unacceptable"} with data.holdfast.defaults.approvers as approvers
}

test_nobody_outweighs_weak_encryption if {
	weak := json.patch(unscanned, [{"op": "add", "path": "/sealing/cipher", "value": "none"}])
	found := decide(approved_by(["amina", "jean"], weak), config) with data.holdfast.defaults.approvers as approvers
	not found.allow
	ids(found) == {"encryption_weak"}
}

test_time_that_is_none if denied_for("/at", "yesterday") == {"input_invalid"}
