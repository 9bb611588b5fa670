# The documents and the source name the same directives, variables, headers and
# codes: what is not documented is not there, and the reverse.  Their links lead
# somewhere, and their lines are no longer than others.  What t/mutants/list
# quotes is in the sources, too.

use strict;
use warnings;

use Cwd            qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

my $ROOT = abs_path(dirname(__FILE__) . '/..');

sub slurp {
    my ($path) = @_;
    open my $in, '<', "$ROOT/$path" or die "$path: $!";
    local $/;
    return scalar <$in>;
}

sub unique { my %seen; return [sort grep { !$seen{$_}++ } @_] }

my @DOCUMENTS = qw(README.md docs/directives.md docs/operating.md);

my $readme = join "\n", map { slurp($_) } @DOCUMENTS;
my $module = slurp('ngx_http_para_auth_module.c');

subtest 'directives' => sub {
    my ($table) = $module =~
        /ngx_http_para_auth_commands\[\] = \{(.*?)ngx_null_command/s;
    my @all = $table =~ /ngx_string\("(\w+)"\)/g;

    my @top    = grep {/^para_auth/} @all;
    my @inside = grep { !/^para_auth/ } @all;

    is_deeply([$readme =~ /^### `(para_auth\w*)/mg], \@top,
        'one section for each, in the order of the table');

    my ($index) = slurp('README.md') =~ /^## Directives\n(.*?)^## /ms;
    is_deeply(unique($index =~ /`(para_auth\w*)`/g), unique(@top),
        '... and all are in the index');

    for my $name (@{unique(@inside)}) {
        like($readme, qr/^\| `\Q$name\E |^`\Q$name\E` /m, "$name is described");
    }
};

subtest 'variables' => sub {
    my $source = slurp('src/ngx/ngx_http_para_auth_variables.c');

    is_deeply(
        unique($readme =~ /`\$(para_auth_\w+)`/g),
        unique($source =~ /ngx_string\("(para_auth_\w+)"\)/g),
        'the same'
    );

    like(slurp('src/ngx/ngx_http_para_auth_claims.c'),
        qr/ngx_string\("para_auth_claim_"\)/, 'claims by their name');
    like($readme, qr/`\$para_auth_claim_<name>`/, 'are documented');
};

subtest 'headers' => sub {
    my $source = slurp('src/ngx/ngx_para_inject_conf.c');

    is_deeply(
        unique($readme =~ /^\| `(X-Para-[\w-]+)` \|/mg),
        unique($source =~ /ngx_string\("(X-Para-[\w-]+)"\)/g),
        'the same'
    );
};

subtest 'codes' => sub {
    my $source = slurp('src/core/para_reason.c');

    my @codes = $source =~ /\[PARA_CODE_\w+\]\s*=\s*"(\w+)"/g;
    ok(@codes > 5, 'found in the source');

    like($readme, qr/`\Q$_\E`/, $_) for @codes;
};

subtest 'metrics' => sub {
    my $source = join '', map { slurp(s{\A\Q$ROOT\E/}{}r) }
        glob "$ROOT/src/ngx/ngx_http_para_auth_metrics*.c";

    is_deeply(
        unique($readme =~ /^\| `(para_auth_\w+)` \|/mg),
        unique($source =~ /"(para_auth_\w+)", NGX_PARA_METRICS_/g),
        'the same'
    );

    my @outcomes = slurp('src/ngx/ngx_para_keys_zone.c') =~
        /\[NGX_PARA_KEYS_\w+\] = "(\w+)"/g;
    ok(@outcomes > 5, 'outcomes found in the source');

    my ($section) = $readme =~ /^### `para_auth_metrics`(.*?)^## /ms;
    like($section, qr/`\Q$_\E`/, "outcome $_") for @outcomes;

    my @kinds = $source =~ /\[NGX_PARA_STORE_\w+\] = ngx_string\("(\w+)"\)/g;
    ok(@kinds > 5, 'kinds found in the source');
    like($section, qr/`\Q$_\E`/, "kind $_") for @kinds;
};

subtest 'prose has at most 80 columns' => sub {
    my @long;

    for my $path (@DOCUMENTS, 'CHANGES.md') {
        open my $in, '<:encoding(UTF-8)', "$ROOT/$path" or die "$path: $!";
        my $code = 0;
        while (my $line = <$in>) {
            $code = !$code if $line =~ /\A```/;
            push @long, "$path:$."
                if length $line > 81 && !$code && $line !~ /\A[|#]/;
        }
    }

    is_deeply(\@long, [], 'no line is longer, but for tables and examples');
};

# As GitHub makes them of headings.
sub anchors {
    my ($text) = @_;
    return map { lc(s/[^\w\- ]//gr) =~ tr/ /-/r } $text =~ /^#+ (.*)$/mg;
}

subtest 'links lead somewhere' => sub {
    for my $path (@DOCUMENTS) {
        for my $link (@{unique(slurp($path) =~ /\]\(([^)]+)\)/g)}) {
            next if $link =~ /\Ahttps:/;

            my ($file, $anchor) = split /#/, $link;
            my $to = $file eq '' ? $path
                : $path =~ m{\A(.*/)} ? "$1$file" : $file;

            ok(-e "$ROOT/$to", "$path: $link") or next;
            ok((grep { $_ eq $anchor } anchors(slurp($to))), '... its section')
                if defined $anchor;
        }
    }
};

subtest 'examples that are named exist' => sub {
    ok(-f "$ROOT/conf-examples/$_", $_)
        for @{unique($readme =~ /`(para-auth-[\w-]+\.conf)`/g)};
};

subtest 'what mutants break is there' => sub {
    my $said = qx($^X $ROOT/t/mutants/run -n 2>&1);
    is($?, 0, 't/mutants/list quotes the sources') or diag $said;
};

done_testing();
