#!/usr/bin/perl

# A few thousand requests of "make soak": that it works, and that it notices.

use strict;
use warnings;

use Cwd            qw(abs_path);
use File::Basename qw(dirname);
use File::Temp     ();
use Test::More;

my $DIR = abs_path(dirname(__FILE__)) . '/soak';
my $tmp = File::Temp->newdir;

$ENV{PARA_SOAK} = "$tmp/soak";
system('gcc', '-std=gnu11', '-O1', '-Wall', '-Werror', '-o', $ENV{PARA_SOAK},
    "$DIR/soak.c") == 0
    or die "the load does not compile\n";

sub soak {
    my (@options) = @_;

    my $said = qx($^X $DIR/run --users 60 --pace 10 @options 2>&1);
    my %said = $said =~ /^(\S.*?) {2,}(\d+)$/mg;
    return ($? >> 8, \%said, $said);
}

{
    my ($status, $said, $text) = soak('--requests 5000 --rate 2000');

    is($status, 0, 'the soak passes') or diag($text);
    is($said->{requests}, 5000, 'all were answered');
    is($said->{'wrong identity'}, 0, 'all were who they are');
    cmp_ok($said->{'ok, as who they are'}, '>', 2000, 'most were let in');
    cmp_ok($said->{'refused, as expected'}, '>', 200, 'some were refused');
    cmp_ok($said->{$_} // 0, '>', 0, $_)
        for 'reloads', 'workers killed', 'revocations', 'sessions ended';
}

{
    my ($status, $said, $text) = soak('--requests 500 --lie');

    is($status, 1, 'a wrong identity fails it') or diag($text);
    cmp_ok($said->{'wrong identity'}, '>', 0, 'and is counted');
}

done_testing();
