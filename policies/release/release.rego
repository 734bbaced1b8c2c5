# METADATA
# title: Release
# description: |
#   Policy 2, asked once per destination: may these sealed bytes leave the host for it? Judged on what an
#   independent reader found in them (or on the plan) and on the destination's live facts. Every check is a
#   helper that must hold; what is missing makes its helper undefined, and undefined denies.
# schemas:
#   - input: schema["release-input"]
# related_resources:
#   - ref: https://www.openpolicyagent.org/docs/latest/policy-language
#     description: Rego v1
package holdfast.release

import data.holdfast.names
import data.holdfast.scanning

_defaults := data.holdfast.defaults

_config := data.holdfast.config

_source := _config.sources[input.source.name]

_destination := _config.destinations[input.destination.name]

_classification := _defaults.classifications[input.classification]

_lock_strength := {"GOVERNANCE": 1, "COMPLIANCE": 2}

# METADATA
# title: Release decision
# description: The whole answer; allowed only when not one reason denies.
# entrypoint: true
decision := {
	"allow": allow,
	"reasons": sort(deny),
}

default allow := false

allow if count(deny) == 0

# METADATA
# title: Complete input
# custom: { id: input_invalid }
deny contains {"id": "input_invalid", "text": "The question lacks a fact or states one in the wrong form."} if {
	not input_valid
}

# METADATA
# title: Known source
# custom: { id: source_unknown }
deny contains {"id": "source_unknown", "text": "The source is not configured."} if not source_known

# METADATA
# title: Name released
# custom: { id: name_denied }
deny contains {"id": "name_denied", "text": "Entries of this name may not leave the host from this source."} if {
	not name_released
}

# METADATA
# title: Encrypted as required
# custom: { id: encryption_weak }
deny contains {"id": "encryption_weak", "text": "The bytes are not sealed with the cipher and key policy requires."} if {
	not encrypted
}

# METADATA
# title: Authenticated as required
# custom: { id: authentication_weak }
deny contains {"id": "authentication_weak", "text": "The sealed bytes are not authenticated as policy requires."} if {
	not authenticated
}

# METADATA
# title: Sealed to whom the operator named
# custom: { id: recipients_unexpected }
deny contains {"id": "recipients_unexpected", "text": "The bytes are sealed to others than the configured recipients."} if {
	not recipients_expected
}

# METADATA
# title: Sealed under the scope admission chose
# custom: { id: scope_mismatch }
deny contains {"id": "scope_mismatch", "text": "The key belongs to another scope than admission chose."} if {
	not scope_matches
}

# METADATA
# title: The admitted content, and nothing else
# custom: { id: content_mismatch }
deny contains {"id": "content_mismatch", "text": "The sealed bytes do not hold the content that was admitted."} if {
	not content_matches
}

# METADATA
# title: Known destination
# custom: { id: destination_unknown }
deny contains {"id": "destination_unknown", "text": "The destination is not configured."} if not destination_known

# METADATA
# title: Destination may take the classification
# custom: { id: destination_classification }
deny contains {"id": "destination_classification", "text": "The destination may not take content of this classification."} if {
	not classification_accepted
}

# METADATA
# title: Jurisdiction may take the classification
# custom: { id: destination_jurisdiction }
deny contains {"id": "destination_jurisdiction", "text": "Content of this classification may not enter the destination's jurisdiction."} if {
	not jurisdiction_accepted
}

# METADATA
# title: The region that was configured
# custom: { id: destination_region }
deny contains {"id": "destination_region", "text": "The bucket lies in another region than configured."} if {
	not region_as_configured
}

# METADATA
# title: Object Lock on
# custom: { id: object_lock_off }
deny contains {"id": "object_lock_off", "text": "The bucket does not have Object Lock."} if not object_lock_on

# METADATA
# title: Versioning on
# custom: { id: versioning_off }
deny contains {"id": "versioning_off", "text": "The bucket does not keep versions."} if not versioning_on

# METADATA
# title: Lock as strong as required
# custom: { id: lock_weak }
deny contains {"id": "lock_weak", "text": "The lock is weaker or shorter than required."} if not lock_strong_enough

# METADATA
# title: Protected on the way
# custom: { id: transport_plain }
deny contains {"id": "transport_plain", "text": "The connection to the destination is not protected by TLS."} if {
	not transport_protected
}

# METADATA
# title: Acceptable verdict
# custom: { id: verdict_unacceptable }
deny contains {"id": "verdict_unacceptable", "text": "The scan did not end with a verdict policy accepts."} if {
	not verdict_acceptable
}

input_valid if {
	input.gate == "release"
	is_string(input.source.id)
	is_string(input.source.name)
	is_string(input.entry.path)
	is_string(input.entry.name)
	is_string(input.entry.extension)
	is_number(input.content.sizeBytes)
	input.content.sizeBytes >= 0
	regex.match(`^[0-9a-f]{64}$`, input.content.sha256)
	input.sealing.basis in {"sealed-bytes", "plan", "existing-object"}
}

source_known if is_object(_source)

name_released if {
	source_known
	names.none_match(object.get(_source, ["release", "deny_names"], []), input.entry)
}

encrypted if {
	input.sealing.cipher == _defaults.sealing[input.sealing.format].cipher
	regex.match(`^[0-9a-f]{32}$`, input.sealing.keyId)
}

authenticated if input.sealing.authentication == _defaults.sealing[input.sealing.format].authentication

# The keys of the sealed format are the repository's own; who they are for is told by the key's scope.
recipients_expected if input.sealing.format == "sealed-v1"

recipients_expected if {
	input.sealing.format == "openpgp"
	count(_config.openpgp_recipients) > 0
	input.sealing.recipients == _config.openpgp_recipients
}

scope_matches if {
	is_string(input.sealing.scope)
	input.sealing.scope != ""
	input.sealing.keyScope == input.sealing.scope
}

content_matches if input.sealing.contentMatches == true

destination_known if is_object(_destination)

classification_accepted if {
	is_object(_classification)
	input.classification in _destination.classifications
}

jurisdiction_accepted if {
	input.destination.jurisdiction == _destination.jurisdiction
	some accepted in _classification.jurisdictions
	accepted in {"*", _destination.jurisdiction}
}

region_as_configured if {
	is_string(input.destination.region)
	input.destination.region == object.get(_destination, "region", input.destination.region)
}

object_lock_on if input.destination.objectLock == true

versioning_on if input.destination.versioning == true

lock_strong_enough if {
	is_number(input.lock.days)
	input.lock.requiredDays >= 1
	input.lock.days >= input.lock.requiredDays
	_lock_strength[input.lock.mode] >= _lock_strength[input.lock.requiredMode]
}

transport_protected if input.destination.tls == true

transport_protected if input.destination.loopback == true

verdict_acceptable if scanning.acceptable(input.verdict, input.classification)
