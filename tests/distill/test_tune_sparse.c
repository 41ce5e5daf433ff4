// test_tune_sparse.c — training students of a teacher with token pruning: transfer on the tokens that are there, a
// tuned student that halts by itself, a resumed one.
// usage: test_tune_sparse [pattern of test names]
#include "distill/retain/retain_centre.h"
#include "distill/transfer/tune_centre.h"
#include "tests/filter.h"
#include "tests/nn/models/golden_model.h"

#include <math.h>

#define DATA "synth:ringed-digit,train=160,val=64,test=10"
enum { DEPTH = 4 };
#define SMALL "vit:image=32,patch=8,dim=16,depth=4,heads=2,classes=10"

// A model with values by formula that drops two tokens in five.
static nn_model *make_teacher(vkc_device *dev, const nn_dataset *data, int gaps)
{
    nn_model_config cfg;
    nn_model *v;
    distill_pictures pictures;
    double keep;
    assert_ok(nn_model_config_init(&cfg, SMALL));
    cfg.retention = (nn_retention_config) { .policy = NN_POLICY_HALTING, .every = 1, .gate_scale = 6,
                                            .gate_centre = 0.5, .eps = 0.01, .keep_class = true, .gaps = gaps };
    assert_ok(nn_model_create(dev, &cfg, false, &v));
    golden_fill(v->params, 3, 0.3f);
    nn_model_config_finish(&cfg);
    assert_ok(distill_pictures_load(&v->cfg, data, 64, 1, &pictures));
    assert_ok(distill_find_centre(v, &pictures, 0.6, 0.01, 1, &(distill_retain_params) { .keep = 0.6 }, &keep));
    distill_pictures_finish(&pictures);
    return v;
}

// A scan learns on the teacher's tokens that are there. Whether its decays count the others matters where a decay is a
// rate a token, and in no layer before the first that lacks some.
static void test_transfer(void **state)
{
    static const struct { const char *mixer; bool decays; } cases[] = {
        { "linear", false }, { "ssd", true }, { "bilstm", false }, { "mingru", false },
    };
    vkc_device *dev = (vkc_device *) *state;
    nn_dataset *data;
    assert_ok(nn_dataset_create(DATA, &data));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        distill_transfer_result r[2][2];
        for (int gaps = NN_GAPS_SKIP; gaps <= NN_GAPS_COUNT; gaps++) {
            nn_model *teacher = make_teacher(dev, data, gaps), *student;
            nn_layer_config mixer;
            assert_ok(nn_mixer_parse(cases[i].mixer, &mixer, NULL));
            assert_ok(distill_student_create(teacher, &mixer, &student));
            assert_int_equal(student->cfg.retention.gaps, gaps);
            for (int k = 0; k < 2; k++)
                assert_ok(distill_transfer(teacher, student, &(distill_transfer_params) { .data = data, .mixer = mixer,
                          .batch = 32, .epochs = 1 + (uint32_t) k, .lr = 5e-3, .seed = 2, .check_finite = true },
                          &r[gaps][k]));
            nn_model_destroy(teacher);
            nn_model_destroy(student);
        }
        for (uint32_t l = 0; l < DEPTH; l++) {
            const double skip = r[NN_GAPS_SKIP][0].error[l], count = r[NN_GAPS_COUNT][0].error[l];
            assert_true(isfinite(skip) && skip > 0 && r[NN_GAPS_SKIP][1].error[l] < skip);
            assert_true((fabs(skip - count) > 0) == (cases[i].decays && l > 0));
        }
    }
    nn_dataset_destroy(data);
}

// Alone, by its own gate, the tuned student keeps about as many tokens as its teacher; the centre does the rest.
static void test_alone(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_model *teacher, *student;
    nn_dataset *data;
    nn_layer_config mixer;
    distill_centre_result before, after, moved;
    distill_tune_result r;
    assert_ok(nn_dataset_create(DATA, &data));
    teacher = make_teacher(dev, data, NN_GAPS_SKIP);
    const double centre = teacher->cfg.retention.gate_centre;
    assert_ok(nn_mixer_parse("ssd", &mixer, NULL));
    assert_ok(distill_student_create(teacher, &mixer, &student));
    const distill_tune_params p = { .data = data, .trained = DISTILL_TRAIN_BLOCKS, .ce = -1, .halting = 1, .batch = 32,
                                    .epochs = 8, .lr = 5e-3, .seed = 2, .plain = true, .check_finite = true };
    assert_ok(distill_tune_centre(teacher, student, &p, false, &before));
    assert_ok(distill_tune(teacher, student, &p, &r));
    assert_true(r.steps == 40 && r.halting >= 0 && isfinite(r.halting) && isnan(r.ce) && isnan(r.kl));
    assert_ok(distill_tune_centre(teacher, student, &p, false, &after));
    assert_ok(distill_tune_centre(teacher, student, &p, true, &moved));
    print_message("keep ratio: teacher %.3f, student %.3f, tuned %.3f, centre moved %.3f\n", before.teacher_keep,
                  before.before, after.before, moved.after);
    assert_true(fabs(before.teacher_keep - 0.6) < 0.05);
    assert_true(before.teacher_keep == after.teacher_keep && before.centre_after == before.centre_before);
    assert_true(teacher->cfg.retention.gate_centre == centre && after.centre_after == centre);
    assert_true(fabs(after.before - before.teacher_keep) < fabs(before.before - before.teacher_keep));
    assert_true(fabs(moved.after - before.teacher_keep) <= fabs(after.before - before.teacher_keep));
    assert_true(fabs(moved.after - before.teacher_keep) <= 0.02);
    assert_true(moved.centre_after == student->cfg.retention.gate_centre);
    student->cfg.retention = (nn_retention_config) { .policy = NN_POLICY_NONE };
    assert_status(distill_tune_centre(teacher, student, &p, true, &moved), VKC_E_ARG);
    nn_model_destroy(teacher);
    nn_model_destroy(student);
    nn_dataset_destroy(data);
}

// Stopped and resumed, with all losses and the whole recipe: the same bits and the same centre.
static void test_resume(void **state)
{
    vkc_device *dev = (vkc_device *) *state;
    nn_model *student;
    nn_dataset *data;
    nn_layer_config mixer;
    distill_tune_result r[3];
    float value[3][256];
    double centre[3];
    char folder[] = "/tmp/pare-sparse-XXXXXX", command[64];
    assert_non_null(mkdtemp(folder));
    assert_ok(nn_dataset_create(DATA, &data));
    nn_model *teacher = make_teacher(dev, data, NN_GAPS_COUNT);
    assert_ok(nn_mixer_parse("linear", &mixer, NULL));
    distill_tune_params p = { .data = data, .trained = DISTILL_TRAIN_ATTN, .kl = 1, .batch = 32, .epochs = 2, .seed = 2,
                              .recipe = { .smoothing = 0.1, .mixup = 0.8, .drop_path = 0.2, .ema = 0.9 },
                              .centre = true };
    for (int i = 0; i < 3; i++) {                           // whole; in two parts
        p.run_dir = i ? folder : NULL;
        p.max_steps = i == 1 ? 7 : 0;
        p.resume = i == 2;
        assert_ok(distill_student_create(teacher, &mixer, &student));
        assert_status(distill_tune(teacher, student, &p, &r[i]), i == 1 ? VKC_E_STOPPED : VKC_OK);
        assert_true(isfinite(r[i].keep) == (i != 1));
        assert_int_equal(nn_shape_len(&student->params->p[student->block[3].proj_w].shape), 256);
        assert_ok(nn_params_read(student->params, student->block[3].proj_w, value[i]));
        centre[i] = student->cfg.retention.gate_centre;
        nn_model_destroy(student);
    }
    assert_memory_equal(value[0], value[2], 256 * sizeof(float));
    assert_true(r[0].loss == r[2].loss && r[0].halting == r[2].halting && r[0].keep == r[2].keep);
    assert_true(r[0].distance[3] == r[2].distance[3] && centre[0] == centre[2] && r[0].halting > 0);
    assert_true(fabs(r[0].keep - r[0].teacher_keep) <= 0.02);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
    nn_model_destroy(teacher);
    nn_dataset_destroy(data);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_transfer), cmocka_unit_test(test_alone),
                                        cmocka_unit_test(test_resume) };
    test_filter_names(argc, argv, tests, sizeof tests / sizeof *tests);
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
