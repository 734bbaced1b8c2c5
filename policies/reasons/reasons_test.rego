package holdfast.reasons_test

import data.holdfast.reasons

test_sentence if reasons.reason("lock_weak") == {
	"id": "lock_weak",
	"text": "The lock is weaker or shorter than required.",
}

test_reason_without_sentence if reasons.reason("new") == {"id": "new", "text": "new"}

test_reason_without_table if {
	reasons.reason("lock_weak") == {"id": "lock_weak", "text": "lock_weak"} with data.holdfast.sentences as {}
}

test_every_sentence_is_there_in_both_languages if {
	every sentence in data.holdfast.sentences {
		object.keys(sentence) == {"en", "fr"}
		every text in sentence { endswith(text, ".") }
	}
}
