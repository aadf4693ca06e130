"""Which items of reporting guidelines the report answers, in which of its sections, and which it cannot.

Items are told in our own short words; the guidelines themselves decide. Sources: CLAIM 2024 update (Tejani et al.,
Radiology: Artificial Intelligence 2024); STARD 2015 (Bossuyt et al., BMJ 2015), whose numbers STARD-AI (2025) keeps and
extends; DECIDE-AI (Vasey et al., BMJ 2022); FDA, Clinical Performance Assessment of computer-assisted detection devices
(28 September 2022).
"""

from dataclasses import dataclass

# Titles of the report's parts.
ANSWER = "The answer"
DESIGN = "Design, analysis plan and deviations from it"
STUDY = "The study"
PEOPLE = "People"
READERS = "Readers"
READS = "Reads"
CASES = "Cases and reference standard"
MODEL = "Model and explanations"
DISPLAYS = "Displays"
ANALYSED = "What was analysed"
DIFFER = "Did the answers differ between methods?"
RIGHT = "Do answers tell right from wrong predictions?"
AGREE = "Do the readers agree?"
PERIOD = "Period, order and other effects"
OVERLAP = "Overlap with expert masks"
TIME = "Reading time"
GROUPS = "By pathology, reader and order"
LIMITS = "Limitations"


@dataclass(frozen=True)
class Item:
    """number: as the guideline has it; asks: in a few words; sections: of the report that answer it, or none; say: what
    is left to the authors, or why the report cannot answer it."""

    number: str
    asks: str
    sections: tuple[str, ...] = ()
    say: str = ""


YOURS = "Yours to write: the software does not know it."

CLAIM = (
    Item("1-4", "title, abstract, background, aims", (), YOURS),
    Item(
        "5, 6",
        "prospective or retrospective; goal",
        (DESIGN,),
        "Whether the images were taken for the study is yours to say.",
    ),
    Item(
        "7, 8",
        "data sources; who is included",
        (CASES,),
        "Inclusion of patients before the batch was loaded is yours to say.",
    ),
    Item(
        "9, 11",
        "preprocessing; de-identification",
        (CASES,),
        "What was done before loading is yours to say.",
    ),
    Item("10", "how subsets were chosen", (CASES,)),
    Item("12", "missing data", (ANALYSED,)),
    Item("13", "how images were acquired", (), YOURS),
    Item("14-16", "reference standard: what, why, whose", (CASES,), "Why it was chosen is yours to say."),
    Item(
        "17, 18",
        "who annotated the test set; how well they agree",
        (),
        "Of those who made the reference standard: not stored.",
    ),
    Item("19, 20", "partitions of the data", (), "Of the model's training: see its own publication."),
    Item("21", "intended sample size", (STUDY,)),
    Item("22, 23", "model; software", (MODEL,), "Architecture and training: see the model's own publication."),
    Item("24-27", "training, selection, ensembling", (), "See the model's own publication."),
    Item("28, 29", "metrics; tests and uncertainty", (DESIGN,)),
    Item("30", "robustness and sensitivity", (DIFFER,)),
    Item("31", "explanation methods, and how they were checked", (MODEL, OVERLAP)),
    Item("32, 33", "tests on internal and external data", (), "Of the model: see its own publication."),
    Item("34", "registration", (STUDY,)),
    Item("35, 36", "numbers in and out; who they are", (ANALYSED, CASES)),
    Item("37, 38", "performance with its precision", (DIFFER, RIGHT)),
    Item("39", "failures", (GROUPS,), "Single examples are not told in the report."),
    Item("40", "limitations", (LIMITS,), "Those of your own study are yours to add."),
    Item("41", "meaning for practice", (), YOURS),
    Item("42", "the full protocol", (DESIGN,), "Its hash is told; publish protocol.json with the paper."),
    Item(
        "43, 44",
        "availability of software and data; funding",
        (),
        "The report's last line names the software; the rest is yours.",
    ),
)

STARD = (
    Item("1-4", "title, abstract, background, hypotheses", (), YOURS),
    Item("5", "data collected before or after the tests", (), YOURS),
    Item(
        "6-9", "eligibility, setting, sampling of cases", (CASES,), "Setting and dates before loading are yours to say."
    ),
    Item("10a", "index test", (MODEL, DESIGN)),
    Item("10b, 11", "reference standard and why it", (CASES,), "Why is yours to say."),
    Item("12a", "cut-off of the index test, fixed before or found", (MODEL, DESIGN)),
    Item("12b", "cut-off of the reference standard", (), YOURS),
    Item("13a", "what readers knew of the case", (DESIGN,), "The protocol lists what they were told."),
    Item("13b", "what those who made the reference standard knew", (), YOURS),
    Item("14", "methods of comparison", (DESIGN,)),
    Item("15, 16", "unclear and missing results", (ANALYSED,)),
    Item("17", "variability, and what was planned", (GROUPS, DESIGN)),
    Item("18", "intended sample size", (STUDY,)),
    Item("19", "flow", (PEOPLE, ANALYSED)),
    Item("20, 21", "who the patients are; how severe", (CASES,), "Severity is not stored."),
    Item("22", "time between test and reference standard", (), YOURS),
    Item("23, 24", "results against the reference, with precision", (RIGHT,)),
    Item("25", "harm", (), "Reads are research: nothing in them is used in care."),
    Item("26, 27", "limitations; meaning", (LIMITS,), "The meaning is yours to write."),
    Item("28-30", "registration, protocol, funding", (STUDY, DESIGN), "Funding is yours to write."),
)

DECIDE = (
    Item("1, I, 2, II", "title, abstract, intended use, objectives", (), YOURS),
    Item("III", "protocol, registration, ethics", (STUDY, DESIGN)),
    Item(
        "3",
        "how patients and users were recruited; training",
        (PEOPLE, CASES),
        "How people were found is yours to say.",
    ),
    Item("4", "the system: version, inputs, outputs, training", (MODEL,), "Training: see the model's own publication."),
    Item("5", "where and how it was used", (DISPLAYS, READS)),
    Item("IV, V", "outcomes; analysis", (DESIGN,)),
    Item("6", "how errors and harm were found", (), "Nothing in a read is used in care."),
    Item("7", "human factors measured", (TIME, DISPLAYS)),
    Item("8", "fairness", (GROUPS, CASES), "Described; tested only where the plan names groups."),
    Item("VI", "patients' part in the study", (), YOURS),
    Item("9", "who took part", (READERS, CASES)),
    Item("10", "exposure; changes of the way of working", (READS,)),
    Item("VII", "main results", (ANSWER, DIFFER)),
    Item(
        "11", "changes of the system during the study", (DESIGN,), "A changed protocol is another version of the study."
    ),
    Item("12", "agreement of users with the system", (RIGHT, DIFFER)),
    Item("13", "errors", (GROUPS,)),
    Item("14", "usability; learning", (TIME, PERIOD)),
    Item("VIII", "subgroups", (GROUPS,)),
    Item("15, 16", "support for the intended use; safety", (), YOURS),
    Item("IX", "strengths and limitations", (LIMITS,)),
    Item("17, X", "data; interests", (), YOURS),
)

FDA = (
    Item(
        "Design",
        "crossover or parallel, randomisation, washout",
        (DESIGN, READS),
        "The guidance expects four weeks between sessions.",
    ),
    Item("Readers", "number, qualification, experience, training", (READERS, PEOPLE)),
    Item(
        "Cases",
        "number, sources, enrichment, findings",
        (CASES, ANALYSED),
        "Examples are drawn: the study sets their shares.",
    ),
    Item("Reference standard", "how truth was made, and by whom", (CASES,), "The panel's own process is yours to say."),
    Item("Rating", "the scale, and what it means", (DESIGN,)),
    Item("Endpoints", "primary and secondary, fixed before", (DESIGN,)),
    Item("Hypotheses", "with margin where there is one", (DESIGN,)),
    Item("Statistics", "readers and cases both random; what it speaks for", (DESIGN, RIGHT)),
    Item("Missing data", "how much, and how treated", (ANALYSED,)),
    Item("Subgroups", "by patient, finding, reader", (GROUPS,)),
    Item("Results by reader", "not only the average", (GROUPS, AGREE)),
    Item("Looks", "at results before the end, changes after them", (DESIGN,)),
    Item("Stand-alone performance", "of the device itself", (), "Not a reader study: see the model's own evaluation."),
)

GUIDELINES = {
    "CLAIM (2024)": CLAIM,
    "STARD-AI (numbers of STARD 2015)": STARD,
    "DECIDE-AI (2022)": DECIDE,
    "FDA, reader studies of computer-assisted detection (2022)": FDA,
}
