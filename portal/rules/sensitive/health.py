"""Words and codes of diagnoses and medical records."""

from __future__ import annotations

from portal.rules.sensitive.kinds import LOW, MEDIUM, NONE, SensitiveType

_WORDS = (
    # English
    "diagnosis", "diagnoses", "diagnosed with", "medical record", "medical history", "patient record",
    "discharge summary",
    "prescription", "prescribed", "biopsy", "chemotherapy", "oncology", "tumour", "tumor", "carcinoma", "melanoma",
    "leukaemia", "leukemia", "metastasis", "metastases", "hiv positive", "hiv test", "hepatitis", "diabetes mellitus",
    "schizophrenia", "bipolar disorder", "depressive episode", "psychiatric", "psychotherapy", "substance abuse",
    "pregnancy test", "miscarriage", "termination of pregnancy", "blood pressure", "blood test", "test results",
    "pathology report", "radiology report", "mri scan", "ct scan", "echocardiogram", "myocardial infarction",
    "epilepsy",
    "multiple sclerosis", "dementia", "alzheimer's", "parkinson's", "allergy to penicillin", "dosage",
    "contraindication",
    # German
    "diagnose", "befund", "arztbrief", "entlassungsbrief", "krankenakte", "patientenakte", "anamnese", "verordnung",
    "chemotherapie", "onkologie", "karzinom", "metastasen", "biopsie", "blutbild", "blutdruck", "psychotherapie",
    "schwangerschaft", "depressive episode", "krankschreibung", "arbeitsunfähigkeitsbescheinigung",
    "überweisung zum facharzt",
    # Swedish, Danish, Norwegian
    "journalanteckning", "patientjournal", "epikris", "remiss", "provsvar", "läkarintyg", "sjukskrivning",
    "läkemedelslista",
    "cytostatika", "blodtryck", "graviditet", "udskrivningsbrev", "sykemelding", "pasientjournal", "henvisning",
    # French
    "diagnostic médical", "dossier médical", "ordonnance médicale", "compte rendu opératoire", "chimiothérapie",
    "cancérologie",
    "antécédents médicaux", "grossesse", "arrêt maladie", "analyse de sang",
    # Spanish, Italian, Portuguese
    "diagnóstico", "historia clínica", "quimioterapia", "receta médica", "embarazo", "cartella clinica", "diagnosi",
    "chemioterapia", "gravidanza", "prontuário médico", "gravidez",
    # Dutch, Polish, Finnish
    "medisch dossier", "ontslagbrief", "zwangerschap", "verwijsbrief", "karta pacjenta", "rozpoznanie lekarskie",
    "chemioterapia", "potilaskertomus", "lääkärinlausunto", "sairauskertomus",
)  # fmt: skip
_NEAR = (
    "patient", "patients", "patientin", "pasient", "potilas", "paciente", "paziente", "patiënt", "pacjent", "doctor",
    "dr",
    "hospital", "clinic", "krankenhaus", "klinik", "sjukhus", "hôpital", "hospitalier", "ospedale", "ziekenhuis",
    "szpital",
    "date of birth", "geburtsdatum", "mrn",
)  # fmt: skip
_FAMILY = "Health"

TYPES = (
    SensitiveType(
        "icd-10",
        "Diagnosis code (ICD-10)",
        "Codes like F32.1, beside a word for a diagnosis.",
        r"\b[A-TV-Z][0-9][0-9AB](?:\.[0-9A-TV-Z]{1,4})?\b",
        keywords=(
            "icd", "icd-10", "icd10", "icd-10-cm", "icd-10-gm", "diagnosis", "diagnoses", "diagnose", "diagnosen",
            "diagnos",
            "diagnoskod", "diagnostic", "diagnóstico", "diagnosi", "diagnosekode", "diagnoosi", "rozpoznanie", "dx",
            "diagnosis code",
        ),
        alone=NONE,
        near=MEDIUM,
        separators="",
        family=_FAMILY,
    ),
    SensitiveType(
        "medical-terms",
        "Medical terms",
        "Words of diagnoses, treatments and medical records in eleven languages; ask for several different ones.",
        r"(?i)(?:" + "|".join(dict.fromkeys(_WORDS)) + ")",
        keywords=_NEAR,
        alone=LOW,
        near=MEDIUM,
        separators="",
        family=_FAMILY,
    ),
)  # fmt: skip
