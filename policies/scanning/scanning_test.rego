package holdfast.scanning_test

import data.holdfast.scanning

clean(signature_set) := {"state": "clean", "signatureSet": signature_set}

not_scanned(reason) := {"state": "not_scanned", "reason": reason, "signatureSet": "official"}

test_clean_from_official_signatures if scanning.acceptable(clean("official"), "internal")

test_clean_from_custom_signatures if scanning.acceptable(clean("custom"), "restricted")

test_clean_without_signature_set if not scanning.acceptable({"state": "clean"}, "internal")

test_clean_from_unknown_signatures if not scanning.acceptable(clean("mine"), "internal")

test_test_signatures_need_permission if {
	not scanning.acceptable(clean("builtin-test"), "internal") with data.holdfast.config as {"allow_test_signatures": false}
	not scanning.acceptable(clean("builtin-test"), "internal") with data.holdfast.config as {}
	not scanning.acceptable(clean("builtin-test"), "internal") with data.holdfast.config as {"allow_test_signatures": "yes"}
	scanning.acceptable(clean("builtin-test"), "internal") with data.holdfast.config as {"allow_test_signatures": true}
}

test_infected_is_never_acceptable if {
	not scanning.acceptable({"state": "infected", "signature": "X", "signatureSet": "official"}, "public")
}

test_too_large_passes_unless_restricted if {
	scanning.acceptable(not_scanned("too_large"), "confidential")
	not scanning.acceptable(not_scanned("too_large"), "restricted")
}

test_every_other_reason_waits if {
	every reason in ["encrypted", "limits", "timeout", "scanner_error", "stale_signatures", "new_reason"] {
		not scanning.acceptable(not_scanned(reason), "internal")
	}
}

test_not_scanned_without_reason if not scanning.acceptable({"state": "not_scanned"}, "internal")

test_unknown_classification_accepts_nothing_unscanned if not scanning.acceptable(not_scanned("too_large"), "secret")

test_missing_verdict if not scanning.acceptable({}, "internal")

test_default_handling if scanning.not_scanned("internal") == {
	"too_large": "allow",
	"encrypted": "hold",
	"limits": "hold",
	"timeout": "retry",
	"scanner_error": "retry",
	"stale_signatures": "retry",
}
