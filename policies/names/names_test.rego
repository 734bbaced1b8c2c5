package holdfast.names_test

import data.holdfast.names

entry := {"name": "Report (final).docx", "path": "team/2024/Report (final).docx"}

test_empty_list_matches_nothing if names.none_match([], entry)

test_other_names_do_not_match if names.none_match(["*.txt", "report*", "other/**"], entry)

test_name_matches if not names.none_match(["*.txt", "*.docx"], entry)

test_pattern_without_slash_never_sees_folders if names.none_match(["team*"], entry)

test_path_matches if not names.none_match(["team/**/*.docx"], entry)

test_star_stays_in_its_folder if names.none_match(["team/*.docx"], entry)

test_name_with_newline_matches if not names.none_match(["*.txt"], {"name": "a\nb.txt", "path": "a\nb.txt"})

test_invalid_pattern_counts_as_match if not names.none_match(["["], entry)

test_pattern_of_wrong_type_counts_as_match if not names.none_match([1], entry)

test_missing_name_counts_as_match if not names.none_match([], {"path": "a"})

test_missing_path_counts_as_match if not names.none_match([], {"name": "a"})

test_list_of_wrong_type_counts_as_match if not names.none_match("*.txt", entry)

test_valid_patterns if {
	every pattern in ["*.txt", "team/**", "{a,b}", "a", ""] { names.is_pattern(pattern) }
	not names.is_pattern("[")
}
