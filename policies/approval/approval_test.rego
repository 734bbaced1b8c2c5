package holdfast.approval_test

import data.holdfast.approval

key := "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

approvers := [
	{"name": "amina", "public_key": key},
	{"name": "jean", "public_key": key, "classifications": ["internal"]},
]

by(names) := [{"approver": name, "at": "2026-01-01T00:00:00Z"} | some name in names]

given(names, classification) := persons if {
	persons := approval.given(by(names), classification) with data.holdfast.defaults.approvers as approvers
}

outweighs(names, classification, id) if {
	approval.outweighs(by(names), classification, id) with data.holdfast.defaults.approvers as approvers
}

test_terms_by_default if approval.terms == {
	"approvers": [],
	"required": {"public": 1, "internal": 1, "confidential": 1, "restricted": 1},
}

test_terms_of_registered_persons if {
	terms := approval.terms with data.holdfast.defaults.approvers as approvers
		with data.holdfast.defaults.classifications.restricted.approvals as 2
	terms.required.restricted == 2
	terms.approvers == [
		{
			"name": "amina",
			"publicKey": key,
			"classifications": ["confidential", "internal", "public", "restricted"],
		},
		{"name": "jean", "publicKey": key, "classifications": ["internal"]},
	]
}

test_registered_persons_count_once if given(["amina", "amina", "jean"], "internal") == {"amina", "jean"}

test_others_do_not_count if given(["eve", ""], "internal") == set()

test_persons_count_for_their_classifications if given(["amina", "jean"], "restricted") == {"amina"}

test_approval_without_time_does_not_count if {
	approval.given([{"approver": "amina"}], "internal") == set() with data.holdfast.defaults.approvers as approvers
}

test_one_person_outweighs_by_default if {
	outweighs(["amina"], "internal", "verdict_unacceptable")
	not outweighs([], "internal", "verdict_unacceptable")
	not outweighs(["jean"], "restricted", "verdict_unacceptable")
}

test_as_many_as_the_classification_wants if {
	not approval.outweighs(by(["amina"]), "internal", "name_denied") with data.holdfast.defaults.approvers as approvers
		with data.holdfast.defaults.classifications.internal.approvals as 2
	approval.outweighs(by(["amina", "jean"]), "internal", "name_denied") with data.holdfast.defaults.approvers as approvers
		with data.holdfast.defaults.classifications.internal.approvals as 2
}

test_nothing_outweighs_weak_encryption if {
	every id in ["encryption_weak", "transport_plain", "destination_jurisdiction", "approval_required"] {
		not outweighs(["amina", "jean"], "internal", id)
	}
}

test_unknown_classification_is_never_outweighed if not outweighs(["amina"], "secret", "name_denied")
