"""What signals need: banks of pictures with quarantine, hashes that are kept, parts of submissions, sweeps."""
import django.db.models.deletion
import moderation.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('creator', '0009_poll'),
        ('media_processing', '0003_parents'),
        ('moderation', '0002_append_only'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BannedMatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content', models.CharField(max_length=64)),
                ('distance', models.PositiveSmallIntegerField()),
                ('created', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'verbose_name_plural': 'banned matches',
            },
        ),
        migrations.CreateModel(
            name='Part',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('where', models.CharField(max_length=60)),
                ('kind', models.CharField(max_length=10)),
                ('content', models.CharField(max_length=64)),
                ('text', models.TextField(blank=True)),
                ('language', models.CharField(blank=True, max_length=12)),
                ('second', models.FloatField(default=0.0)),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='PictureBank',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('source', models.CharField(blank=True, max_length=200)),
                ('expires', models.DateTimeField(blank=True, null=True)),
                ('enabled', models.BooleanField(default=True)),
                ('most_matches', models.PositiveIntegerField(default=100, help_text='a hash that matches more pictures than this goes to quarantine')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('created', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ('name',),
            },
        ),
        migrations.CreateModel(
            name='PictureHash',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content', models.CharField(max_length=64)),
                ('method', models.CharField(max_length=20)),
                ('forms', models.BinaryField()),
                ('quality', models.PositiveSmallIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Sweep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('cause', models.CharField(max_length=12)),
                ('dry', models.BooleanField(default=False)),
                ('state', models.CharField(choices=[('running', 'Running'), ('done', 'Done'), ('failed', 'Broke off')], default='running', max_length=10)),
                ('before', models.JSONField(default=dict)),
                ('after', models.JSONField(default=dict)),
                ('changes', models.JSONField(default=list)),
                ('started', models.DateTimeField(auto_now_add=True)),
                ('finished', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ('-id',),
            },
        ),
        migrations.RemoveConstraint(
            model_name='bannedhash',
            name='one_ban_per_hash',
        ),
        migrations.AddField(
            model_name='bannedhash',
            name='cleared',
            field=models.BooleanField(default=False, help_text='a person looked at its matches: no quarantine any more'),
        ),
        migrations.AddField(
            model_name='bannedhash',
            name='quarantined',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='policy',
            name='activated',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='policy',
            name='activated_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='bannedhash',
            name='pdq',
            field=models.CharField(help_text='256 bits, hexadecimal', max_length=64, validators=[moderation.models._is_pdq]),
        ),
        migrations.AddField(
            model_name='bannedmatch',
            name='banned',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='matches', to='moderation.bannedhash'),
        ),
        migrations.AddField(
            model_name='part',
            name='asset',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='media_processing.asset'),
        ),
        migrations.AddField(
            model_name='part',
            name='story',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='creator.story'),
        ),
        migrations.AddField(
            model_name='part',
            name='workspace',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='creator.workspace'),
        ),
        migrations.AddField(
            model_name='picturebank',
            name='workspace',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='picture_banks', to='creator.workspace'),
        ),
        migrations.AddField(
            model_name='bannedhash',
            name='bank',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='hashes', to='moderation.picturebank'),
        ),
        migrations.AddIndex(
            model_name='bannedhash',
            index=models.Index(fields=['bank', 'expires'], name='moderation__bank_id_a4f0f8_idx'),
        ),
        migrations.AddConstraint(
            model_name='bannedhash',
            constraint=models.UniqueConstraint(fields=('bank', 'pdq'), name='one_ban_per_bank'),
        ),
        migrations.AddField(
            model_name='picturehash',
            name='workspace',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='creator.workspace'),
        ),
        migrations.AddField(
            model_name='sweep',
            name='asked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='sweep',
            name='policy',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='sweeps', to='moderation.policy'),
        ),
        migrations.AddField(
            model_name='sweep',
            name='workspace',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sweeps', to='creator.workspace'),
        ),
        migrations.AddConstraint(
            model_name='bannedmatch',
            constraint=models.UniqueConstraint(fields=('banned', 'content'), name='one_match_per_picture'),
        ),
        migrations.AddIndex(
            model_name='part',
            index=models.Index(fields=['story', 'number'], name='moderation__story_i_3797e8_idx'),
        ),
        migrations.AddIndex(
            model_name='part',
            index=models.Index(fields=['workspace', 'content'], name='moderation__workspa_24626e_idx'),
        ),
        migrations.AddConstraint(
            model_name='picturebank',
            constraint=models.UniqueConstraint(fields=('workspace', 'name'), name='one_picture_bank_per_name'),
        ),
        migrations.AddConstraint(
            model_name='picturehash',
            constraint=models.UniqueConstraint(fields=('workspace', 'content'), name='one_hash_per_picture'),
        ),
        migrations.AddIndex(
            model_name='sweep',
            index=models.Index(fields=['workspace', '-id'], name='moderation__workspa_c01375_idx'),
        ),
    ]
