"""Studies that are open already keep the texts of their day. They are not part of the protocol that was hashed then."""

from django.db import migrations

TEXTS = {
    "input_gradient": (
        "Input gradients",
        "Colour marks the pixels where a slight change of brightness would change the prediction most. "
        "It does not say in which direction.",
        "still",
    ),
    "guided_backprop": (
        "Guided backprop",
        "Colour marks the pixels that can raise the prediction, traced back through the parts of the "
        "model that respond to this image. It often follows edges.",
        "still",
    ),
    "integrated_gradients": (
        "Integrated gradients",
        "Colour marks the pixels that contribute most to the prediction, added up while the image fades "
        "in from plain grey. A contribution may be for or against the finding.",
        "still",
    ),
    "latentshift_map": (
        "Latent Shift map",
        "The image is redrawn by a second model with less and with more of the predicted finding. "
        "Colour marks where the redrawn image changes most.",
        "still",
    ),
    "latentshift_animation": (
        "Latent Shift animation",
        "The image is redrawn by a second model, from less to more of the predicted finding and back. "
        "What moves or changes brightness is what the prediction depends on; fine detail is lost in redrawing.",
        "animation",
    ),
}


def keep_texts(apps, schema_editor):
    Study, Method = apps.get_model("studies", "Study"), apps.get_model("studies", "Method")
    for study in Study.objects.exclude(state="draft"):
        shown = {name for method in Method.objects.filter(study=study) for name in method.kinds}
        study.kind_texts = {
            name: {"title": title, "what_is_this": text, "shows": shows, "fixed_by": "upgrade"}
            for name, (title, text, shows) in TEXTS.items()
            if name in shown
        }
        study.save(update_fields=["kind_texts"])


class Migration(migrations.Migration):
    dependencies = [("studies", "0009_kind_texts")]

    operations = [migrations.RunPython(keep_texts, migrations.RunPython.noop)]
