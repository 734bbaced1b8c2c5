# METADATA
# title: Release
# description: |
#   Policy 2, asked once per destination: may these sealed bytes leave the host for it? Judged on what an
#   independent reader found in them (or on the plan) and on the destination's live facts; of the file itself it is told
#   the traits (data.holdfast.traits). Every check is a helper that must hold; what is missing makes its helper
#   undefined, and undefined denies.
# schemas:
#   - input: schema["release-input"]
# related_resources:
#   - ref: https://www.openpolicyagent.org/docs/latest/policy-language
#     description: Rego v1
package holdfast.release

import data.holdfast.approval
import data.holdfast.reasons
import data.holdfast.scanning
import data.holdfast.sealing

# METADATA
# description: The data the rules judge by.
_defaults := data.holdfast.defaults

# METADATA
# description: What is rendered from the configuration.
_config := data.holdfast.config

# METADATA
# description: The rules of the source asked about; undefined for an unknown one.
_source := _config.sources[input.source.name]

# METADATA
# description: The configuration of the destination asked about; undefined for an unknown one.
_destination := _config.destinations[input.destination.name]

# METADATA
# description: The data of the classification; undefined for an unknown one.
_classification := _defaults.classifications[input.classification]

# METADATA
# description: Lock modes by strength.
_lock_strength := {"GOVERNANCE": 1, "COMPLIANCE": 2}

# METADATA
# title: Release decision
# description: The whole answer; allowed only when not one reason denies.
# entrypoint: true
decision := object.union(
	{
		"allow": allow,
		"reasons": sort(standing),
		"approvals": {
			"required": required_approvals,
			"given": count(approved_by),
			"waived": sort([reason.id | some reason in waived]),
		},
	},
	transfer,
)

# METADATA
# title: Allowed
# description: Only where not one reason stands.
default allow := false

allow if count(standing) == 0

# METADATA
# title: Reasons that stand
# description: All that deny, but those outweighed by approvals.
standing := deny - waived

# METADATA
# title: Outweighed reasons
# description: Reasons that enough registered persons looked at and approved. An infection never is one.
waived contains reason if {
	some reason in deny
	input.verdict.state in {"clean", "not_scanned"}
	approval.outweighs(_approvals, input.classification, reason.id)
}

# METADATA
# title: Required approvals
# description: Of the classification; a thousand of an unknown one, so that nothing passes.
default required_approvals := 1000

required_approvals := approval.required(input.classification) if classification_known

# METADATA
# title: Who approved
# description: Registered persons, each once.
default approved_by := set()

approved_by := approval.given(_approvals, input.classification)

# METADATA
# description: None where nobody was asked.
_approvals := object.get(input, "approvals", [])

# METADATA
# title: Transfer authorisation
# description: The id of the one that lets content into the jurisdiction, where it demands one.
default transfer := {}

transfer := {"transferAuthorisation": min(_valid_authorisations)} if {
	authorisation_demanded
	count(_valid_authorisations) > 0
}

# METADATA
# title: Complete input
# custom: { id: input_invalid }
deny contains reasons.reason("input_invalid") if {
	not input_valid
}

# METADATA
# title: Known source
# custom: { id: source_unknown }
deny contains reasons.reason("source_unknown") if not source_known

# METADATA
# title: Nothing of the file itself against it
# description: Its name, its size, its hash.
deny contains reason if some reason in input.traits.reasons

# METADATA
# title: Encrypted as required
# custom: { id: encryption_weak }
deny contains reasons.reason("encryption_weak") if {
	not encrypted
}

# METADATA
# title: Authenticated as required
# custom: { id: authentication_weak }
deny contains reasons.reason("authentication_weak") if {
	not authenticated
}

# METADATA
# title: Sealed to whom the operator named
# custom: { id: recipients_unexpected }
deny contains reasons.reason("recipients_unexpected") if {
	not recipients_expected
}

# METADATA
# title: Sealed under the scope admission chose
# custom: { id: scope_mismatch }
deny contains reasons.reason("scope_mismatch") if {
	not scope_matches
}

# METADATA
# title: Sealed in the format policy wants
# custom: { id: format_unexpected }
deny contains reasons.reason("format_unexpected") if not format_expected

# METADATA
# title: The admitted content, and nothing else
# custom: { id: content_mismatch }
deny contains reasons.reason("content_mismatch") if {
	not content_matches
}

# METADATA
# title: Known destination
# custom: { id: destination_unknown }
deny contains reasons.reason("destination_unknown") if not destination_known

# METADATA
# title: Destination may take the classification
# custom: { id: destination_classification }
deny contains reasons.reason("destination_classification") if {
	not classification_accepted
}

# METADATA
# title: Jurisdiction may take the classification
# custom: { id: destination_jurisdiction }
deny contains reasons.reason("destination_jurisdiction") if {
	not jurisdiction_accepted
}

# METADATA
# title: Transfer authorised
# custom: { id: transfer_unauthorised }
deny contains reasons.reason("transfer_unauthorised") if not transfer_authorised

# METADATA
# title: Approved by as many as required
# custom: { id: approval_required }
deny contains reasons.reason("approval_required") if not approved

# METADATA
# title: The region that was configured
# custom: { id: destination_region }
deny contains reasons.reason("destination_region") if {
	not region_as_configured
}

# METADATA
# title: Object Lock on
# custom: { id: object_lock_off }
deny contains reasons.reason("object_lock_off") if not object_lock_on

# METADATA
# title: Versioning on
# custom: { id: versioning_off }
deny contains reasons.reason("versioning_off") if not versioning_on

# METADATA
# title: Lock as strong as required
# custom: { id: lock_weak }
deny contains reasons.reason("lock_weak") if not lock_strong_enough

# METADATA
# title: Protected on the way
# custom: { id: transport_plain }
deny contains reasons.reason("transport_plain") if {
	not transport_protected
}

# METADATA
# title: Acceptable verdict
# custom: { id: verdict_unacceptable }
deny contains reasons.reason("verdict_unacceptable") if {
	not verdict_acceptable
}

# METADATA
# description: Every fact of the question is there and in form.
input_valid if {
	input.gate == "release"
	is_string(input.source.id)
	is_string(input.source.name)
	is_array(input.traits.reasons)
	input.sealing.basis in {"sealed-bytes", "plan", "existing-object"}
	is_number(_asked_ns)
}

# METADATA
# description: The source is configured.
source_known if is_object(_source)

# METADATA
# description: The cipher is the one of the format, under a key that is named.
encrypted if {
	input.sealing.cipher == _defaults.sealing[input.sealing.format].cipher
	regex.match(`^[0-9a-f]{32}$`, input.sealing.keyId)
}

# METADATA
# description: The authentication is the one of the format.
authenticated if input.sealing.authentication == _defaults.sealing[input.sealing.format].authentication

# METADATA
# description: Only those who should can open it. The keys of the sealed format are the repository's own; who they are for is told by the key's scope.
recipients_expected if input.sealing.format == "sealed-v1"

recipients_expected if {
	input.sealing.format == "openpgp"
	count(_config.openpgp_recipients) > 0
	input.sealing.recipients == _config.openpgp_recipients
}

# METADATA
# description: The key belongs to the scope that the bytes name, and that is the wanted one.
scope_matches if {
	is_string(input.sealing.scope)
	input.sealing.scope != ""
	input.sealing.keyScope == input.sealing.scope
	scope_wanted
}

# METADATA
# description: |
#   The scope is the one that policy wants for the source and the classification. What is stored was held against what
#   policy wanted then; whether it wants it otherwise now is admission's to say.
scope_wanted if input.sealing.scope == sealing.scope(input.source.name, input.classification)

scope_wanted if input.sealing.basis == "existing-object"

# METADATA
# description: Sealed in the format that policy wants for the source and the classification.
format_expected if input.sealing.format == sealing.format(input.source.name, input.classification)

format_expected if input.sealing.basis == "existing-object"

# METADATA
# description: A reader found the admitted content in the bytes.
content_matches if input.sealing.contentMatches == true

# METADATA
# description: The destination is configured.
destination_known if is_object(_destination)

# METADATA
# description: The data define the classification.
classification_known if is_object(_classification)

# METADATA
# description: Configuration and data let the destination take the classification.
classification_accepted if {
	classification_known
	input.classification in _destination.classifications
	input.classification in object.get(_destination_data, "classifications", _destination.classifications)
}

# METADATA
# description: The destination lies where it is said to, and the classification may rest there.
jurisdiction_accepted if {
	input.destination.jurisdiction == _destination.jurisdiction
	some accepted in _classification.jurisdictions
	accepted in {"*", _destination.jurisdiction}
}

# METADATA
# description: |
#   The data of the destination. Absent ones restrict nothing: what the jurisdiction demands is there or not by itself.
default _destination_data := {}

_destination_data := _defaults.destinations[input.destination.name]

# METADATA
# description: When release is asked, nanoseconds since 1970.
_asked_ns := time.parse_rfc3339_ns(input.at)

# METADATA
# description: No authorisation is demanded, or one is valid.
transfer_authorised if not authorisation_demanded

transfer_authorised if count(_valid_authorisations) > 0

# METADATA
# description: Whether the jurisdiction demands one for the classification; yes where that cannot be told.
default authorisation_demanded := true

authorisation_demanded := false if {
	destination_known
	classification_known
	not _jurisdiction.requires_authorisation
}

authorisation_demanded := false if {
	destination_known
	classification_known
	is_array(_jurisdiction.classifications)
	not input.classification in _jurisdiction.classifications
}

# METADATA
# description: |
#   What the jurisdiction demands: by its name, else what holds for all others, else nothing.
_jurisdiction := object.get(
	_defaults.jurisdictions,
	_destination.jurisdiction,
	object.get(_defaults.jurisdictions, "*", {"requires_authorisation": false}),
)

# METADATA
# description: Ids of those that are valid now for the classification.
_valid_authorisations contains authorisation.id if {
	some authorisation in object.get(_destination_data, "transfer_authorisations", [])
	time.parse_rfc3339_ns(authorisation.valid_from) <= _asked_ns
	_asked_ns < time.parse_rfc3339_ns(authorisation.valid_until)
	input.classification in object.get(authorisation, "classifications", [input.classification])
}

# METADATA
# description: As many registered persons approved as the classification wants.
approved if count(approved_by) >= required_approvals

# METADATA
# description: The bucket lies in the configured region, where one is.
region_as_configured if {
	is_string(input.destination.region)
	input.destination.region == object.get(_destination, "region", input.destination.region)
}

# METADATA
# description: The bucket has Object Lock.
object_lock_on if input.destination.objectLock == true

# METADATA
# description: The bucket keeps versions.
versioning_on if input.destination.versioning == true

# METADATA
# description: The lock is at least as long and as strong as admission asked.
lock_strong_enough if {
	is_number(input.lock.days)
	input.lock.requiredDays >= 1
	input.lock.days >= input.lock.requiredDays
	_lock_strength[input.lock.mode] >= _lock_strength[input.lock.requiredMode]
}

# METADATA
# description: TLS, or a connection that does not leave the machine.
transport_protected if input.destination.tls == true

transport_protected if input.destination.loopback == true

# METADATA
# description: Clean by signatures that count, or a reason for none that policy accepts.
verdict_acceptable if scanning.acceptable(input.verdict, input.classification)

# Only where the operator turned scanning off for the source.
verdict_acceptable if {
	input.verdict.state == "not_scanned"
	input.verdict.reason == "not_required"
	_source.scan == "off"
}
